import pLimit from 'p-limit'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { namespaceOf } from '../../platform/platform.ts'
import { instantQuery } from '../clients/promql.ts'
import type { HTTPGet } from '../http-forward.ts'
import { forwardToService } from '../http-forward.ts'
import { parseJSON } from '../json.ts'
import { grafanaAccount } from '../kinds/alerting.ts'
import type { Observer } from '../observe.ts'
import { readSecret, remember, withoutSecrets } from '../secrets.ts'
import { askableQuery } from './dashboard-queries.ts'

const atOnce = 4
const most = 5_000

const found = z.array(z.object({ uid: z.string(), title: z.string(), tags: z.array(z.string()).default([]) }))
const reference = z.union([z.string(), z.object({ uid: z.string().nullish(), type: z.string().nullish() })]).nullish()
type Panel = {
  type: string
  title: string
  datasource?: z.infer<typeof reference> | undefined
  targets: {
    expr?: string | undefined
    hide?: boolean | undefined
    datasource?: z.infer<typeof reference> | undefined
  }[]
  panels: Panel[]
}
const panel: z.ZodType<Panel> = z.object({
  type: z.string().default(''),
  title: z.string().default(''),
  datasource: reference,
  targets: z
    .array(z.object({ expr: z.string().optional(), hide: z.boolean().optional(), datasource: reference }))
    .default([]),
  /** A row that is folded has its panels inside. */
  get panels() {
    return z.array(panel).default([])
  },
}) as never
const shown = z.object({ dashboard: z.object({ panels: z.array(panel).default([]) }) })
const sourcesAnswer = z.array(
  z.object({ uid: z.string(), name: z.string(), type: z.string(), isDefault: z.boolean().default(false) }),
)
type Sources = z.infer<typeof sourcesAnswer>

/** Signs in to Grafana, and asks its data sources everything that the panels of its dashboards ask. */
export const observeDashboards: Observer = (observing) =>
  withoutSecrets(async () => {
    const { here, names, deadline } = observing
    here.list(grafanaAccount)
    const where = { namespace: namespaceOf(names, 'grafana'), name: names.secrets.grafanaAdmin.name }
    const account = await readSecret(
      here.connection,
      where,
      { secret: ['admin-password'], telling: ['admin-user'] },
      deadline,
    )
    const token = remember(Buffer.from(`${account['admin-user']}:${account['admin-password']}`).toString('base64'))
    const { name, namespace = 'grafana', port = 80 } = names.services.grafana
    const service = { namespace: namespaceOf(names, namespace), name, port }
    const limit = pLimit(atOnce)
    const forward = forwardToService(here.connection, service, { authorization: `Basic ${token}` })
    const get: HTTPGet = (path, until) => limit(() => forward(path, until))
    const [list, sources] = await Promise.all([
      ask(get, `/api/search?type=dash-db&limit=${most}`, found, deadline),
      ask(get, '/api/datasources', sourcesAnswer, deadline),
    ])
    return Promise.all(
      list.map(async ({ uid, title, tags }) => {
        const { dashboard } = await ask(get, `/api/dashboards/uid/${encodeURIComponent(uid)}`, shown, deadline)
        const panels = dashboard.panels.flatMap((one) => [one, ...one.panels])
        return {
          metadata: { name: title },
          uid,
          tags,
          panels: await Promise.all(
            panels.filter(({ targets }) => targets.length > 0).map((one) => askPanel(get, one, sources, deadline)),
          ),
        }
      }),
    )
  })

async function ask<T>(get: HTTPGet, path: string, schema: z.ZodType<T>, deadline: Deadline): Promise<T> {
  const { status, text } = await get(path, deadline)
  const parsed = schema.safeParse(parseJSON(text))
  if (status === 200 && parsed.success) return parsed.data
  throw new Error(`Grafana answered ${path} with ${status}: ${text.slice(0, 120)}`)
}

async function askPanel(get: HTTPGet, one: Panel, sources: Sources, deadline: Deadline) {
  const answers = await Promise.all(
    one.targets
      .filter(({ hide }) => hide !== true)
      .map(async ({ expr, datasource }) => {
        const source = sourceOf(datasource ?? one.datasource, sources)
        const query = askableQuery(expr)
        if (!source) return { why: 'not of a data source with PromQL' }
        if (query === undefined) return { why: 'a variable in it is filled by people only' }
        const answer = await instantQuery(get, `/api/datasources/proxy/uid/${source}/api/v1/query`, query, deadline)
        if (answer.state === 'unreachable') throw new Error(answer.reason)
        if (answer.state === 'series') return { hasData: true }
        return { hasData: false, why: 'reason' in answer ? answer.reason : `nothing for ${query}` }
      }),
  )
  const asked = answers.filter(({ hasData }) => hasData !== undefined)
  return {
    title: one.title,
    asked: asked.length,
    withData: asked.filter(({ hasData }) => hasData).length,
    detail: answers.flatMap(({ why }) => why ?? []).join('; '),
  }
}

const isPromQL = (type: string) => type === 'prometheus' || type === 'victoriametrics-metrics-datasource'

/** The uid of the data source that a panel means; its variable stands for the default one. */
function sourceOf(wanted: z.infer<typeof reference>, sources: Sources): string | undefined {
  const word = typeof wanted === 'string' ? wanted : wanted?.uid
  const type = typeof wanted === 'string' ? undefined : wanted?.type
  const isOpen = word === undefined || word === null || /^(\$|\[\[|default$)/.test(word)
  const fitting = sources.filter((source) => isPromQL(source.type))
  if (!isOpen) return fitting.find(({ uid, name }) => uid === word || name === word)?.uid
  if (typeof type === 'string' && !isPromQL(type)) return undefined
  return (fitting.find(({ isDefault }) => isDefault) ?? fitting[0])?.uid
}
