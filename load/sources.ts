import { z } from 'zod'
import type { Observation, Source } from '../check/source.ts'
import { percentiles } from './latencies.ts'

/** What a load test found out, as a source: it is judged like a list. */
function measurement<T>(id: string, what: string, schema: z.ZodType<T>): Source<T> {
  const from: Observation = { type: 'observation', method: 'load', observer: id, needsProbes: false, needs: [] }
  return { id, what, schema, from }
}

const metadata = z.object({ name: z.string() })
const milliseconds = z.number().nonnegative()
const percentile = z.enum(percentiles)

/** One percentile of the latency at one rate, in both arms. */
const compared = z.object({
  metadata,
  rate: z.number(),
  percentile,
  /** Ratios of the treated arm to the control, of the blocks that count. */
  ratios: z.array(z.number().positive()),
  /** Differences of the same blocks, in milliseconds. */
  differencesMs: z.array(z.number()),
  /** Of all requests of the blocks that count; absent when there is none. */
  treatedMs: milliseconds.optional(),
  controlMs: milliseconds.optional(),
  /** Why the other blocks do not count, and what went wrong with whole batches. */
  voided: z.array(z.string()),
  /** Why this percentile cannot be told at all. */
  lacking: z.string().optional(),
  /** Of the bootstrap, so that the verdict can be computed again. */
  seed: z.number(),
  /** The mesh is the embedded pair's stand-in. */
  isStandIn: z.boolean(),
})
export type Compared = z.infer<typeof compared>

export const addedLatency = measurement('added-latency', 'latencies with and without the mesh', compared)
export const crossClusterLatency = measurement(
  'cross-cluster-latency',
  'latencies on infra and through the gateway from apps',
  compared,
)

export const proxyCosts = measurement(
  'proxy-costs',
  'costs of proxies',
  z.object({
    /** `idle` or `under load`. */
    metadata,
    proxies: z.number(),
    seconds: z.number().positive(),
    /** Of one proxy, in the mean. */
    cores: z.number(),
    bytes: z.number(),
  }),
)

export const knownLoad = measurement(
  'known-load',
  'figures of a known load in the metrics store',
  z.object({
    metadata,
    sent: z.number(),
    failed: z.number(),
    percentiles: z.object({ p50: milliseconds, p95: milliseconds, p99: milliseconds }),
    /** Absent: the store has no series of these requests. */
    stored: z
      .object({
        requests: z.number(),
        failed: z.number(),
        p50: z.number().optional(),
        p95: z.number().optional(),
        p99: z.number().optional(),
      })
      .optional(),
    waitedSeconds: z.number(),
  }),
)

const latencyRange = z.object({ lower: milliseconds, upper: milliseconds })

/** Figures of a known load, as the dashboard of the mesh shows them. Seconds count from its first request. */
export const dashboardFigures = measurement(
  'dashboard-figures',
  'known loads in the dashboard of Linkerd Viz',
  z.object({
    metadata,
    loadSeconds: z.number().positive(),
    /** Absent: never, until the last look. */
    figuresAfterSeconds: z.number().optional(),
    connectionAfterSeconds: z.number().optional(),
    lookedForSeconds: z.number(),
    successRate: z.number(),
    percentiles: z.object({ p50: milliseconds, p95: milliseconds, p99: milliseconds }),
    /** What the server's own proxy measured, from the quietest to the busiest part of the load. Absent: it did not tell. */
    atProxy: z.object({ p50: latencyRange, p95: latencyRange, p99: latencyRange }).optional(),
    shown: z
      .object({ succeeded: z.number(), failed: z.number(), p50: milliseconds, p95: milliseconds, p99: milliseconds })
      .optional(),
  }),
)

/** What tap shows of a known load. */
export const tappedRequests = measurement(
  'tapped-requests',
  'known loads in tap',
  z.object({
    metadata,
    sent: z.number(),
    requests: z.array(z.object({ method: z.string(), path: z.string(), headers: z.array(z.string()) })),
    responses: z.array(z.object({ status: z.number() })),
  }),
)

export const journeyLoads = measurement(
  'journeys',
  'loads of journeys',
  z.object({
    metadata,
    url: z.string(),
    requests: z.number(),
    asked: z.number(),
    failed: z.number(),
    dropped: z.number(),
    p99Ms: milliseconds.optional(),
    minSuccessRate: z.number(),
    maxP99Ms: z.number(),
  }),
)

/** The load test itself: what PERF-04 asks for. */
export const loadTest = measurement(
  'load-test',
  'finished loads',
  z.object({
    metadata,
    rate: z.number(),
    blocks: z.number(),
    counted: z.number(),
    requests: z.number(),
    finishedAt: z.string(),
  }),
)
