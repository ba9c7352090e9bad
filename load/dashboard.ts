import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { forwardTo } from '../cluster/channels.ts'
import { parseMetrics } from '../cluster/clients/prometheus-text.ts'
import type { TapEvent } from '../cluster/clients/viz.ts'
import type { Connection } from '../cluster/connection.ts'
import { NoDashboard, shownEdges, shownStats, tapPod } from '../cluster/clients/viz.ts'
import type { HTTPGet } from '../cluster/http-forward.ts'
import { getFromPod, podBehind } from '../cluster/http-forward.ts'
import { loads } from '../cluster/own-objects.ts'
import type { Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { adminPort } from './evidence.ts'
import type { Percentile } from './latencies.ts'
import type { LatencyRange, LatencyReading } from './proxy-latency.ts'
import { bucketsIn, quantileRanges } from './proxy-latency.ts'
import type { LoadSite } from './servers.ts'
import { podOf } from './servers.ts'

export type ShownFigures = { succeeded: number; failed: number; p50: number; p95: number; p99: number }

/** What was seen of a known load in the dashboard of Linkerd Viz. Times are milliseconds since 1970. */
export type DashboardSeen = {
  /** When it first showed requests that failed, which only the load has, and what it showed when it had the most of all. */
  statsAt?: number | undefined
  stats?: ShownFigures | undefined
  /** When it first showed a connection to the server that was loaded. */
  edgeAt?: number | undefined
  lookedUntil: number
  /** Between what the server's own proxy measured in the windows of that time, in milliseconds. */
  atProxy?: Record<Percentile, LatencyRange> | undefined
  tap: { events: TapEvent[] } | { failure: string } | { absent: string }
}

/** `absent`: nothing has the dashboard's interface. */
export type DashboardFound =
  | { state: 'found'; value: DashboardSeen }
  | { state: 'failed'; reason: string }
  | { state: 'absent'; reason: string }

const pauseMs = 2_000
/** Between two looks at the server's own proxy, which tell what the dashboard may say. */
const readingMs = 5_000
const mostEvents = 400
/** A scrape of the dashboard's metrics, and some. Until then the last requests of a load may still come. */
const settledMs = 14_000
/** The claim allows a minute; the generator needs some seconds before it sends. */
const patienceMs = 75_000

/** Watches the server of a known load until it has `ended`, and then until all figures and its connection are there, or never will be. */
export async function watchDashboard(
  site: LoadSite,
  names: Names,
  ended: AbortSignal,
  deadline: Deadline,
): Promise<DashboardFound> {
  const { connection } = site
  const server = { namespace: loads.name, pod: podOf('known', site) }
  try {
    const { name, namespace = 'linkerdViz', port = 8084 } = names.services.vizWeb
    const web = await podBehind(connection, { namespace: namespaceOf(names, namespace), name, port }, deadline)
    const get: HTTPGet = (path, own) => getFromPod(connection, web, path, own)
    // Whether somebody has the interface at all, before tap is tried.
    await figuresOf(get, server, deadline)
    const tapping = tapped(() => forwardTo(connection, web, web.port, deadline), server, ended, deadline)
    const seen = await looked(get, server, () => bucketsOf(connection, server, deadline), ended, deadline)
    return { state: 'found', value: { ...seen, tap: await tapping } }
  } catch (error) {
    return { state: error instanceof NoDashboard ? 'absent' : 'failed', reason: messageOf(error) }
  }
}

type Server = { namespace: string; pod: string }

/** Undefined while it shows no request. */
async function figuresOf(
  get: HTTPGet,
  { namespace, pod }: Server,
  deadline: Deadline,
): Promise<ShownFigures | undefined> {
  const all = await shownStats(get, { resource_type: 'pod', resource_name: pod, namespace }, deadline)
  const stats = all.find(({ resource }) => resource.name === pod)?.stats
  if (!stats || stats.successCount + stats.failureCount === 0) return undefined
  return {
    succeeded: stats.successCount,
    failed: stats.failureCount,
    p50: stats.latencyMsP50,
    p95: stats.latencyMsP95,
    p99: stats.latencyMsP99,
  }
}

/** Undefined when the proxy did not tell: what is shown is then compared with what the client measured. */
async function bucketsOf(connection: Connection, server: Server, deadline: Deadline) {
  const asked = await getFromPod(connection, { ...server, port: adminPort }, '/metrics', deadline).catch(
    () => undefined,
  )
  return asked?.status === 200 ? bucketsIn(parseMetrics(asked.text)) : undefined
}

async function looked(
  get: HTTPGet,
  server: Server,
  countedBy: () => Promise<ReadonlyMap<number, number> | undefined>,
  ended: AbortSignal,
  deadline: Deadline,
): Promise<Omit<DashboardSeen, 'tap'>> {
  const seen: Omit<DashboardSeen, 'tap'> = { lookedUntil: Date.now() }
  const latest = Date.now() + patienceMs
  let grownAt = Date.now()
  let endedAt: number | undefined
  const readings: LatencyReading[] = []
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until both are there
    const [stats, edges, buckets] = await Promise.all([
      figuresOf(get, server, deadline),
      shownEdges(get, { resource_type: 'pod', namespace: server.namespace }, deadline),
      Date.now() - (readings.at(-1)?.at ?? 0) >= readingMs ? countedBy() : undefined,
    ])
    if (buckets) readings.push({ at: Date.now(), buckets })
    seen.lookedUntil = Date.now()
    if (stats) {
      // Kubelets ask the server too, and do not fail.
      if (stats.failed > 0) seen.statsAt ??= seen.lookedUntil
      if (requestsIn(stats) > requestsIn(seen.stats)) {
        seen.stats = stats
        grownAt = seen.lookedUntil
      }
    }
    if (edges.some(({ dst }) => dst.name === server.pod)) seen.edgeAt ??= seen.lookedUntil
    if (ended.aborted) endedAt ??= seen.lookedUntil
    const hasSettled = endedAt !== undefined && seen.lookedUntil - Math.max(grownAt, endedAt) > settledMs
    const isAllSeen = hasSettled && seen.statsAt !== undefined && seen.edgeAt !== undefined
    if (endedAt !== undefined && (isAllSeen || seen.lookedUntil > latest))
      return { ...seen, atProxy: quantileRanges(readings) }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}

const requestsIn = (stats: ShownFigures | undefined) => (stats ? stats.succeeded + stats.failed : 0)

async function tapped(
  open: () => ReturnType<typeof forwardTo>,
  server: Server,
  ended: AbortSignal,
  deadline: Deadline,
): Promise<DashboardSeen['tap']> {
  const events: TapEvent[] = []
  const signal = AbortSignal.any([deadline.signal, ended])
  try {
    await tapPod(await open(), server, (event) => (events.push(event) >= mostEvents ? 'enough' : 'more'), {
      ...deadline,
      signal,
    })
    return { events }
  } catch (error) {
    return error instanceof NoDashboard ? { absent: error.message } : { failure: messageOf(error) }
  }
}
