import { parse as parseYAML } from 'yaml'
import { z } from 'zod'
import { namespaceOf } from '../../platform/platform.ts'
import { getFromService } from '../http-forward.ts'
import { parseJSON } from '../json.ts'
import type { Observer } from '../observe.ts'

const configMap = z.object({ data: z.object({ 'config.yaml': z.string() }) })
/** Up to 0.11 it has `metrics` with names, since then `badges` with ids. */
const configuration = z.object({
  metrics: z.array(z.object({ name: z.string() })).default([]),
  badges: z.array(z.object({ id: z.string() })).default([]),
})
const older = z.object({ message: z.coerce.string() })
const newer = z.object({ value: z.coerce.string() })

/** Where each figure of a configuration is answered, by its id. Throws when the text is no configuration. */
export function figurePaths(text: string): { id: string; path: string }[] {
  const { metrics, badges } = configuration.parse(parseYAML(text))
  return [
    ...metrics.map(({ name }) => ({ id: name, path: `/${encodeURIComponent(name)}` })),
    ...badges.map(({ id }) => ({ id, path: `/badges/${encodeURIComponent(id)}?format=json` })),
  ]
}

/** The value in an answer of either kind. */
export function valueIn(text: string): string | undefined {
  const body = parseJSON(text)
  const [byValue, byMessage] = [newer.safeParse(body), older.safeParse(body)]
  if (byValue.success) return byValue.data.value
  return byMessage.success ? byMessage.data.message : undefined
}

/** Reads what Kromgo is configured to show, and asks it for each of the figures. */
export const observeKromgo: Observer = async ({ here, names, deadline }) => {
  const { name, namespace = 'kromgo', port = 8080 } = names.services.kromgo
  const where = namespaceOf(names, namespace)
  const { status, text } = await here.connection.get(`/api/v1/namespaces/${where}/configmaps/${name}`, deadline)
  const parsed = configMap.safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success)
    throw new Error(`the configuration of Kromgo, ConfigMap ${where}/${name}, could not be read: status ${status}`)
  const get = getFromService(here.connection, { namespace: where, name, port })
  return Promise.all(
    figurePaths(parsed.data.data['config.yaml']).map(async ({ id, path }) => {
      const answer = await get(path, deadline)
      const value = answer.status === 200 ? valueIn(answer.text) : undefined
      return {
        metadata: { name: id },
        status: answer.status,
        ...(value === undefined ? { detail: answer.text.trim().slice(0, 160) } : { value, detail: '' }),
      }
    }),
  )
}
