import type { Listing } from '../check/source.ts'
import type { DashboardFound } from './dashboard.ts'
import type { KnownLoad } from './known.ts'
import type { Found } from './measure.ts'

type Known = Found<KnownLoad>

/** What checks read of the figures that the dashboard of the mesh showed. */
export function dashboardListing(known: Known, dashboard: DashboardFound): Listing {
  const missing = missingOf(known, dashboard)
  if (missing) return missing
  if (known.state !== 'found' || dashboard.state !== 'found') return nothing
  const load = known.value
  const { statsAt, stats, edgeAt, lookedUntil, atProxy } = dashboard.value
  const after = (at: number | undefined) => (at === undefined ? undefined : (at - load.beganAt) / 1_000)
  return listed({
    metadata: { name: `the load of pod ${load.pod}` },
    loadSeconds: load.seconds,
    figuresAfterSeconds: after(statsAt),
    connectionAfterSeconds: after(edgeAt),
    lookedForSeconds: (lookedUntil - load.beganAt) / 1_000,
    successRate: 1 - load.failed / load.sent,
    percentiles: load.percentiles,
    shown: stats,
    atProxy,
  })
}

/** What checks read of the requests that tap showed. */
export function tapListing(known: Known, dashboard: DashboardFound): Listing {
  const missing = missingOf(known, dashboard)
  if (missing) return missing
  if (known.state !== 'found' || dashboard.state !== 'found') return nothing
  const load = known.value
  const { tap } = dashboard.value
  if ('absent' in tap) return { state: 'absent', reason: tap.absent }
  if ('failure' in tap) return { state: 'unreachable', reason: tap.failure }
  return listed({
    metadata: { name: `the load of pod ${load.pod}` },
    sent: load.sent,
    requests: tap.events.filter(({ kind }) => kind === 'request'),
    responses: tap.events.filter(({ kind }) => kind === 'response'),
  })
}

/** A dashboard that nobody plays comes first: without it, it does not matter whether something was sent. */
function missingOf(known: Known, dashboard: DashboardFound): Listing | undefined {
  if (dashboard.state === 'absent') return { state: 'absent', reason: dashboard.reason }
  if (known.state === 'failed') return { state: 'unreachable', reason: known.reason }
  return dashboard.state === 'failed' ? { state: 'unreachable', reason: dashboard.reason } : undefined
}

const nothing: Listing = { state: 'unreachable', reason: 'nothing was looked at' }
const listed = (item: object): Listing => ({ state: 'listed', items: [item] })
