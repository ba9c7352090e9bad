import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import { loads } from '../cluster/own-objects.ts'
import type { Store } from '../cluster/observers/metrics-store.ts'
import type { Generator } from './batch.ts'
import { resultOf, startJob } from './jobs.ts'
import type { Percentiles } from './latencies.ts'
import { percentiles, quantileOf } from './latencies.ts'
import type { LoadSite } from './servers.ts'
import { urlOf } from './servers.ts'

/** A load whose figures are known: every fourth request fails. */
export type KnownLoad = {
  pod: string
  sent: number
  failed: number
  percentiles: Percentiles
  /** When the first request was sent, in milliseconds since 1970. */
  beganAt: number
  seconds: number
}

/** What the metrics store says of the same requests; undefined: it has no such series. */
export type StoredFigures = { requests: number; failed: number } & Partial<Percentiles>

const rate = 20
/** Of what was asked, what k6 sent or gave up for want of a free user: less means that it ended itself. */
const fewestTold = 0.9
/** What a busy k6 gave up is no part of the truth, and what it sent is; less than half of it is another load. */
const fewestSent = 0.5
const every = 4

export const knownRequests = (seconds: number) => rate * seconds

/** Sends it through the mesh of a cluster, without a warm-up. Its pod stays, so that its proxy is scraped. */
export async function sendKnownLoad(
  site: LoadSite,
  seconds: number,
  client: Generator,
  deadline: Deadline,
): Promise<KnownLoad> {
  const name = 'k6-known'
  await startJob(
    site.connection,
    {
      name,
      role: 'meshed',
      node: client.node,
      program: client.program,
      longestSeconds: loads.lifetimeSeconds,
      settings: {
        TARGET: urlOf('known', site, '/echo?msg=known'),
        FAILING: urlOf('known', site, '/echo?msg=known&code=500'),
        EVERY: every,
        RATE: rate,
        WARMUP: 0,
        SECONDS: seconds,
        USERS: 12,
        SAMPLES: 'yes',
      },
    },
    site.owner,
    deadline,
  )
  const { log, pod } = await resultOf(site.connection, { name, loads: 1 }, deadline)
  const [load] = log.loads
  if (load?.beganAt === undefined) throw new Error('k6 wrote of no load')
  const asked = knownRequests(seconds)
  // What was under way when k6 ended itself is counted by proxies, and by nobody here.
  if (log.sent + load.dropped < asked * fewestTold || log.sent < asked * fewestSent)
    throw new Error(`k6 ended after ${log.sent} of ${asked} requests${log.complaint ? `: ${log.complaint}` : ''}`)
  return {
    pod: pod.metadata.name,
    sent: log.sent,
    failed: load.failed,
    percentiles: load.latencies.percentiles(),
    beganAt: load.beganAt,
    seconds,
  }
}

/** The questions that give a service's golden metrics, of requests that one pod has sent. */
export function knownQueries(label: string, cluster: string, pod: string): Record<string, string> {
  const calls = `${label}="${cluster}",namespace="${loads.name}",pod="${pod}",direction="outbound",dst_service="known"`
  return {
    requests: `sum(request_total{${calls}})`,
    responses: `sum(response_total{${calls}})`,
    failed: `sum(response_total{${calls},classification="failure"})`,
    ...Object.fromEntries(
      percentiles.map((percentile) => [
        percentile,
        `histogram_quantile(${quantileOf[percentile]}, sum by (le) (response_latency_ms_bucket{${calls}}))`,
      ]),
    ),
  }
}

const pauseMs = 2_000

/** Asks until the store has as many requests as were sent, or the time is over; then what it has is what there is. */
export async function storedFigures(
  ask: Store,
  queries: Record<string, string>,
  sent: number,
  deadline: Deadline,
): Promise<StoredFigures | undefined> {
  const value = async (name: string) => {
    const [series] = await ask(queries[name] ?? '')
    return series?.value
  }
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until the last scrape has arrived
    const [requests, responses] = await Promise.all([value('requests'), value('responses')])
    const isAll = requests !== undefined && requests >= sent && responses !== undefined && responses >= sent
    if (isAll || deadline.remainingMs() < 2 * pauseMs) {
      if (requests === undefined) return undefined
      // oxlint-disable-next-line no-await-in-loop -- once
      const [failed, p50, p95, p99] = await Promise.all(['failed', ...percentiles].map(value))
      return {
        requests,
        failed: failed ?? 0,
        ...(p50 === undefined ? {} : { p50 }),
        ...(p95 === undefined ? {} : { p95 }),
        ...(p99 === undefined ? {} : { p99 }),
      }
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}

/** The upper bounds of the buckets in which Linkerd's proxy counts latencies, in milliseconds. */
const bounds = [
  1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000, 20_000, 30_000,
  40_000, 50_000,
]
const bucketOf = (ms: number) => {
  const index = bounds.findIndex((bound) => ms <= bound)
  return index === -1 ? bounds.length : index
}

/** Whether a dashboard may show this of a figure that lay within these bounds at its source, as far as buckets tell. */
export const isWithin = (shown: number, { lower, upper }: { lower: number; upper: number }): boolean =>
  bucketOf(shown) >= bucketOf(lower) - 1 && bucketOf(shown) <= bucketOf(upper) + 1

/** The client waits for its own proxy as well, and for a processor. */
const ownWayMs = 5

/** A client that waits this many times longer than its proxy says, and is not told apart by `ownWayMs`, had to wait for something. */
const muchLonger = 4

/**
 * Whether a proxy may have measured what its client measured, as far as the buckets of the proxy tell. `unclear`: the
 * client waited longer, as it does when it has to share a processor.
 */
export function compareLatency(byProxy: number, byClient: number): 'near' | 'unclear' | 'apart' {
  if (Math.abs(bucketOf(byProxy) - bucketOf(byClient)) <= 1) return 'near'
  const own = byClient - byProxy
  if (own < 0) return 'apart'
  if (own <= ownWayMs) return 'near'
  return byProxy * muchLonger >= byClient - ownWayMs ? 'unclear' : 'apart'
}
