import pLimit from 'p-limit'
import type { LimitFunction } from 'p-limit'
import { z } from 'zod'
import { messageOf } from '../check/error-message.ts'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { parseListing } from '../check/parse-listing.ts'
import type { Listing, Observation, Snapshot, Source } from '../check/source.ts'
import type { ClusterName, Names } from '../platform/platform.ts'
import type { Connection } from './connection.ts'
import type { Attempt } from './kinds/observations.ts'
import { attempt } from './kinds/observations.ts'
import { observers } from './observers/observers.ts'
import type { Probes } from './probes/probes.ts'

/** One of the two clusters, as an observer sees it: a connection, and what the lists of this run hold. */
export type Site = {
  cluster: ClusterName
  connection: Connection
  /** The items of a list that the observation needs. Throws `NotListed` when there are none to start from. */
  list: <T>(source: Source<T>) => T[]
}

export type Observing = {
  /** The cluster that the observation is about. */
  here: Site
  sites: Record<ClusterName, Site>
  names: Names
  deadline: Deadline
  /** Undefined for observations that need none. */
  probes?: Probes
}

/** Does something and returns what it found, item by item; throws when it could not do it. */
export type Observer = (observing: Observing) => Promise<readonly unknown[]>

/** A list that an observer starts from is not there; the observation has its state, with its reason. */
class NotListed extends Error {
  readonly listing: Listing
  constructor(what: string, listing: Exclude<Listing, { state: 'listed' }>) {
    super(`${what}: ${listing.reason}`)
    this.listing = { ...listing, reason: this.message }
  }
}

/** Nothing that an observer does may take longer than this. */
const observerBudgetMs = 60_000
/** All at once, observers make the load that they then suffer from: API servers and stores time out. */
const observersAtOnce = 24

export type ObservingRun = {
  connections: Record<ClusterName, Connection>
  names: Names
  deadline: Deadline
  /** Probe pods on both clusters, or why there are none: `absent` when they are switched off. */
  probes: () => Promise<Probes | Exclude<Listing, { state: 'listed' }>>
  /** Told of observations that have to be made again. */
  tell?: (text: string) => void
}

/** Makes all observations among the sources, at the same time, and adds them to what was listed. */
export async function observeAll(
  sources: readonly Source<unknown>[],
  listed: Snapshot,
  run: ObservingRun,
): Promise<Snapshot> {
  const planned = sources.flatMap((source) =>
    source.from.type === 'observation' ? [{ source, from: source.from }] : [],
  )
  const sites = {
    infra: siteOf('infra', run.connections.infra, listed),
    apps: siteOf('apps', run.connections.apps, listed),
  }
  const limit = pLimit(observersAtOnce)
  const observed = async (cluster: ClusterName) => {
    const entries = planned.map(
      async ({ source, from }) => [source.id, await observe(from, sites[cluster], sites, { ...run, limit })] as const,
    )
    return { ...listed[cluster], ...Object.fromEntries(await Promise.all(entries)) }
  }
  const [infra, apps] = await Promise.all([observed('infra'), observed('apps')])
  return { infra, apps }
}

async function observe(
  observation: Observation,
  here: Site,
  sites: Record<ClusterName, Site>,
  { names, deadline, probes, tell, limit }: ObservingRun & { limit: LimitFunction },
): Promise<Listing> {
  const { observer, needsProbes, cluster } = observation
  if (cluster !== undefined && cluster !== here.cluster) return { state: 'listed', items: [] }
  const act = observers[observer]
  if (!act) throw new Error(`no observer is called ${observer}`)
  const there = needsProbes ? await probes().catch(unreachableFor) : undefined
  if (there && 'state' in there) return there
  return limit(async () => {
    // Its time begins when it can.
    const own = deadlineIn(observerBudgetMs, deadline.signal)
    const observing = { here, sites, names, deadline: own }
    const once = () => seenBy(act, there ? { ...observing, probes: there } : observing)
    const first = await once()
    if (first.state !== 'unreachable' || own.signal.aborted) return first
    // What did not get through says nothing of the clusters, good or bad: once more, within the same time.
    tell?.(`${observer} of ${here.cluster} is observed again: ${first.reason}`)
    return once()
  })
}

/** What an observer found: listed when every attempt of every item came to an end, whatever that was. */
async function seenBy(act: Observer, observing: Observing): Promise<Listing> {
  try {
    const items = await act(observing)
    const lost = items.flatMap(attemptsOf).find(({ outcome }) => outcome === 'unknown')
    return lost ? { state: 'unreachable', reason: lost.detail } : { state: 'listed', items }
  } catch (error) {
    if (error instanceof NotListed) return error.listing
    const late = observing.deadline.signal.aborted ? 'no answer in time: ' : ''
    return { state: 'unreachable', reason: `${late}${messageOf(error)}` }
  }
}

const unreachableFor = (error: unknown): Exclude<Listing, { state: 'listed' }> => ({
  state: 'unreachable',
  reason: messageOf(error),
})

const attempts = z.object({ attempt: attempt.optional(), attempts: z.array(attempt).default([]) })

/** The attempts of an item, where it is about such: one that says nothing of its target must not be judged as if it did. */
function attemptsOf(item: unknown): Attempt[] {
  const parsed = attempts.safeParse(item)
  return parsed.success ? [...(parsed.data.attempt ? [parsed.data.attempt] : []), ...parsed.data.attempts] : []
}

function siteOf(cluster: ClusterName, connection: Connection, snapshot: Snapshot): Site {
  return {
    cluster,
    connection,
    list: <T>(source: Source<T>): T[] => {
      const listing = snapshot[cluster][source.id]
      if (!listing) throw new Error(`${source.what} were not read before they were needed`)
      if (listing.state !== 'listed') throw new NotListed(`needs ${source.what} on ${cluster}`, listing)
      const { items, malformed } = parseListing(listing, source)
      if (malformed !== undefined)
        throw new NotListed(`needs ${source.what} on ${cluster}`, { state: 'malformed', reason: malformed })
      return items as T[]
    },
  }
}
