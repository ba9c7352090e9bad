import { z } from 'zod'
import { pods } from './core.ts'
import { metadata } from './object.ts'
import { observation } from './observations.ts'

const labels = z.record(z.string(), z.string())

/** How long a target may go without a successful scrape, and how long a new pod may wait for its first, in seconds. */
export const scrapedWithinSeconds = 120

/** What the metrics store on infra says about the cluster, query by query; the names are those of queries.ts. */
export const metrics = observation(
  'metrics',
  'answers of the metrics store',
  z.object({
    metadata,
    query: z.string(),
    /** None is an answer too: it has no such series, which is never a zero. */
    series: z.array(z.object({ labels, value: z.number() })),
  }),
  { method: 'promql', needsProbes: false, needs: [] },
)
export type QueryResult = z.infer<typeof metrics.schema>

/** Every running meshed pod, and what the metrics store knows of its proxy. */
export const scrapedProxies = observation(
  'scraped-proxies',
  'scraped proxies',
  z.object({
    kind: z.literal('Pod'),
    metadata,
    /** 1 when one of the last scrapes succeeded, 0 when none did; absent when the store has no such series. */
    up: z.number().optional(),
    /** The version in `proxy_build_info`. */
    version: z.string().optional(),
    /** A pod so new that it need not have been scraped yet. */
    young: z.literal(true).optional(),
  }),
  { method: 'promql', needsProbes: false, needs: [pods] },
)
export type ScrapedProxy = z.infer<typeof scrapedProxies.schema>

/** Both ends of requests that a meshed probe sent to a meshed Service, as their proxies counted them. */
export const ownRequestMetrics = observation(
  'own-request-metrics',
  'proxy counters of own requests',
  z.object({
    /** `outbound` or `inbound`. */
    metadata,
    /** The client, or the servers. */
    pods: z.array(z.string()),
    /** How many requests went from the one to the others. */
    sent: z.number(),
    /** By how much `request_total` grew with tls="true" and the identity of a probe. */
    secured: z.number(),
    /** The same without one of both. */
    unsecured: z.number(),
    /** The identities, and the reasons for having none. */
    peers: z.array(z.string()),
  }),
  { method: 'promql', needsProbes: true, needs: [] },
)

const cluster = z.enum(['infra', 'apps'])
const span = z.object({
  id: z.string(),
  parent: z.string().optional(),
  service: z.string(),
  name: z.string(),
  /** Microseconds since 1970, by the clock of the node that it was made on. */
  start: z.number(),
  durationUs: z.number(),
  /** Whose proxy made it; absent when no pod of either cluster is known by its tags. */
  cluster: cluster.optional(),
  pod: z.string().optional(),
  direction: z.string().optional(),
})
export type TracedSpan = z.infer<typeof span>

const trace = {
  /** `complete`: everything expected was there, twice the same. Nothing else is judged as a whole. */
  state: z.enum(['complete', 'partial', 'unstable', 'none', 'failed']),
  detail: z.string(),
  spans: z.array(span),
}

/** What Jaeger on infra has of requests that a meshed probe of apps sent to infra. */
export const ownTrace = observation(
  'own-trace',
  'traces of own requests',
  z.object({
    metadata,
    traceId: z.string(),
    /** Whether the request asked for being traced. */
    sampled: z.boolean(),
    /** The span id that the request named as its parent. */
    sentAs: z.string(),
    ...trace,
  }),
  { method: 'jaeger', needsProbes: true, needs: [pods], cluster: 'apps' },
)
export type OwnTrace = z.infer<typeof ownTrace.schema>

/** Spans that a probe of infra sent to Jaeger by OTLP over HTTP, as Jaeger gives them back. */
export const ownSpans = observation(
  'own-spans',
  'own spans',
  z.object({
    metadata,
    caller: z.string(),
    callee: z.string(),
    ...trace,
    /** Which service calls which, by Jaeger's own map. */
    edges: z.array(z.object({ parent: z.string(), child: z.string() })),
  }),
  { method: 'jaeger', needsProbes: true, needs: [], cluster: 'infra' },
)

/** A line that a probe of each node wrote, looked for in the log store on infra. */
export const logLines = observation(
  'log-lines',
  'own lines in the log store',
  z.object({
    metadata,
    node: z.string(),
    line: z.string(),
    /** How long it took to arrive; absent when it did not. */
    tookMs: z.number().optional(),
    /** How long it was looked for. */
    waitedMs: z.number(),
    fields: labels,
  }),
  { method: 'port-forward', needsProbes: true, needs: [] },
)

/** How many of the newest entries of a namespace have what makes a record of a line. */
export const logStructure = observation(
  'log-structure',
  'shapes of log entries',
  z.object({
    metadata,
    entries: z.number(),
    /** Entries that name their pod and container in fields of their own. */
    structured: z.number(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [] },
)

/** A request with a trace id that its target wrote into a line of its log: the line and the trace, by that id. */
export const tracedLines = observation(
  'traced-lines',
  'lines of own traced requests',
  z.object({
    metadata: z.object({ name: z.string() }),
    traceId: z.string(),
    /** Whose log the line is in. */
    pod: z.string(),
    /** The fields of the entry; absent when none was found. */
    entry: labels.optional(),
    /** How long it was looked for. */
    waitedMs: z.number(),
    trace: z.object({
      state: trace.state,
      detail: z.string(),
      /** The pods whose proxies made its spans. */
      pods: z.array(z.string()),
    }),
  }),
  { method: 'jaeger', needsProbes: true, needs: [pods] },
)
export type TracedLine = z.infer<typeof tracedLines.schema>

/** Spans of calls to PostgreSQL among those of the last hour, by whichever service made them. */
export const databaseSpans = observation(
  'database-spans',
  'spans of calls to PostgreSQL',
  z.object({
    metadata: z.object({ name: z.string() }),
    service: z.string(),
    operation: z.string(),
    /** Of the pod that made it, as far as its tags tell. */
    namespace: z.string().optional(),
  }),
  { method: 'jaeger', needsProbes: false, needs: [], cluster: 'infra' },
)
