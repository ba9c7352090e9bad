import { z } from 'zod'
import { secretAt } from './documents.ts'
import { services } from './core.ts'
import { observation } from './observations.ts'
import { namespaceOf } from '../../platform/platform.ts'

const named = z.object({ name: z.string() })

/** The alerts that vmalert on infra evaluates, and whether they have anything of the cluster to look at. */
export const alertRules = observation(
  'alert-rules',
  'alerts',
  z.object({
    metadata: named,
    group: z.string(),
    query: z.string(),
    /** `ok`, `err` or `unknown`. */
    health: z.string(),
    lastError: z.string(),
    lastEvaluation: z.string(),
    /** How many series the last evaluation looked at; absent when the store does not tell. */
    seriesFetched: z.number().optional(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [] },
)
export type AlertRule = z.infer<typeof alertRules.schema>

export type Route = {
  receiver?: string | undefined
  /** As in the configuration: `severity="critical"`. The older `match` and `match_re` are written like this too. */
  matchers: string[]
  continue: boolean
  routes: Route[]
}
const route: z.ZodType<Route> = z.object({
  receiver: z.string().optional(),
  matchers: z.array(z.string()),
  continue: z.boolean(),
  get routes() {
    return z.array(route)
  },
})

/** The configuration that an Alertmanager runs with: to whom it sends what, and by which channels. */
export const alertRouting = observation(
  'alert-routing',
  'configurations of Alertmanager',
  z.object({
    metadata: named,
    route,
    receivers: z.array(
      z.object({
        name: z.string(),
        /** The kinds of channels, without their addresses: `slack`, `webhook`. */
        channels: z.array(z.string()),
      }),
    ),
  }),
  { method: 'port-forward', needsProbes: false, needs: [], cluster: 'infra' },
)

/** A silence that was asked for by an object of the run, and taken back with it, and what Alertmanager made of it. */
export const silenceSteps = observation(
  'silences',
  'steps of a silence',
  z.object({
    metadata: z.object({ name: z.enum(['begins', 'ends']) }),
    outcome: z.enum(['followed', 'not in time', 'not tried', 'no such kind']),
    detail: z.string(),
    /** What Alertmanager says about who made the silence. */
    createdBy: z.string().optional(),
    tookMs: z.number(),
  }),
  { method: 'port-forward', needsProbes: true, needs: [], cluster: 'infra' },
)
export type SilenceStep = z.infer<typeof silenceSteps.schema>

/** Whether the account of Grafana may be read; its metadata alone. */
export const grafanaAccount = secretAt('grafana-account', 'infra', (names) => ({
  namespace: namespaceOf(names, 'grafana'),
  name: names.secrets.grafanaAdmin.name,
}))

/** Every dashboard of Grafana, and what the queries of its panels find. */
export const dashboards = observation(
  'dashboards',
  'dashboards',
  z.object({
    /** The name is its title. */
    metadata: named,
    uid: z.string(),
    tags: z.array(z.string()),
    panels: z.array(
      z.object({
        title: z.string(),
        /** How many of its queries could be asked; those of other data sources or with free variables could not. */
        asked: z.number(),
        /** How many of them found a series. */
        withData: z.number(),
        /** Why queries failed, or were not asked. */
        detail: z.string(),
      }),
    ),
  }),
  { method: 'port-forward', needsProbes: false, needs: [grafanaAccount], cluster: 'infra' },
)
export type Dashboard = z.infer<typeof dashboards.schema>

/** Every figure that Kromgo is configured to show, as it answers for it. */
export const kromgoFigures = observation(
  'kromgo-figures',
  'figures of Kromgo',
  z.object({
    /** The id in its configuration. */
    metadata: named,
    /** Of the answer. */
    status: z.number(),
    /** Absent when there was no figure in it. */
    value: z.string().optional(),
    /** What it said instead. */
    detail: z.string(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [], cluster: 'infra' },
)

/** What Gatus says of the endpoints that it watches. None where there is no Gatus. */
export const watchedEndpoints = observation(
  'watched-endpoints',
  'watched endpoints',
  z.object({
    metadata: named,
    group: z.string(),
    /** The host of its address, as the last result names it. */
    host: z.string(),
    /** Of the last result. */
    success: z.boolean(),
    at: z.string(),
    /** What did not hold. */
    detail: z.string(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [services], cluster: 'infra' },
)
export type WatchedEndpoint = z.infer<typeof watchedEndpoints.schema>
