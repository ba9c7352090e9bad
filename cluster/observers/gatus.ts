import { z } from 'zod'
import { namespaceOf } from '../../platform/platform.ts'
import { getFromService } from '../http-forward.ts'
import { parseJSON } from '../json.ts'
import { services } from '../kinds/core.ts'
import type { Observer } from '../observe.ts'

const statuses = z.array(
  z.object({
    name: z.string(),
    group: z.string().default(''),
    results: z
      .array(
        z.object({
          hostname: z.string().default(''),
          success: z.boolean(),
          timestamp: z.string(),
          errors: z.array(z.string()).nullish(),
          conditionResults: z.array(z.object({ condition: z.string(), success: z.boolean() })).nullish(),
        }),
      )
      .nullish(),
  }),
)

/** Asks Gatus for what it knows of every endpoint. An endpoint without a result is not watched yet, and is left out. */
export const observeGatus: Observer = async ({ here, names, deadline }) => {
  const { name, namespace = 'gatus', port = 80 } = names.services.gatus
  const where = namespaceOf(names, namespace)
  const isThere = here.list(services).some(({ metadata }) => metadata.name === name && metadata.namespace === where)
  if (!isThere) return []
  const get = getFromService(here.connection, { namespace: where, name, port })
  const { status, text } = await get('/api/v1/endpoints/statuses', deadline)
  const parsed = statuses.safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success)
    throw new Error(`Gatus answered ${status} with something that is no list of endpoints: ${text.slice(0, 120)}`)
  return parsed.data.flatMap(({ name: endpoint, group, results }) => {
    const last = results?.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1)).at(-1)
    if (!last) return []
    const broken = (last.conditionResults ?? []).filter(({ success }) => !success).map(({ condition }) => condition)
    return [
      {
        metadata: { name: endpoint },
        group,
        host: last.hostname,
        success: last.success,
        at: last.timestamp,
        detail: [...(last.errors ?? []), ...broken].join('; '),
      },
    ]
  })
}
