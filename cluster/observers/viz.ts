import { setTimeout as sleep } from 'node:timers/promises'
import { namespaceOf } from '../../platform/platform.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { ShownStats } from '../clients/viz.ts'
import { shownEdges, shownStats } from '../clients/viz.ts'
import type { HTTPGet } from '../http-forward.ts'
import { forwardToService } from '../http-forward.ts'
import type { VizEdge, VizStats } from '../kinds/viz.ts'
import type { Observer, Observing } from '../observe.ts'

/** Connections come and go with the scrapes of a quiet platform, and a fresh one has none yet. */
const patienceMs = 30_000
const pauseMs = 3_000

/**
 * The dashboard. Its pods answer for some host names only, and metrics-api behind it for the dashboard only: so the
 * dashboard is asked, over a port-forward.
 */
function dashboardOf({ here, names }: Observing): HTTPGet {
  const { name, namespace = 'linkerdViz', port = 8084 } = names.services.vizWeb
  return forwardToService(here.connection, { namespace: namespaceOf(names, namespace), name, port })
}

/** The edges that Viz shows between Deployments; asked again while there is none. */
export const observeVizEdges: Observer = async (observing): Promise<VizEdge[]> => {
  const patience = deadlineIn(patienceMs, observing.deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until there is one
    const edges = await shownEdges(dashboardOf(observing), { resource_type: 'deployment' }, observing.deadline)
    if (edges.length > 0 || patience.remainingMs() < pauseMs)
      return edges.map(({ src, dst, clientId, serverId, noIdentityMsg }) => ({
        metadata: { name: `${src.namespace}/${src.name} to ${dst.namespace}/${dst.name}` },
        from: src,
        to: dst,
        clientId,
        serverId,
        noTLS: noIdentityMsg,
      }))
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: observing.deadline.signal })
  }
}

/** The figures that Viz shows for every Deployment; asked again, for a while, until they are whole. */
export const observeVizStats: Observer = async (observing): Promise<VizStats[]> => {
  const patience = deadlineIn(patienceMs, observing.deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until there are figures
    const rows = await shownStats(
      dashboardOf(observing),
      { resource_type: 'deployment', all_namespaces: 'true' },
      observing.deadline,
    )
    if (areWhole(rows) || patience.remainingMs() < pauseMs) return rows.map(statsOf)
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: observing.deadline.signal })
  }
}

/**
 * Whether figures can be judged: there are some, and those that are there belong together. Viz asks its store for counts
 * and percentiles one by one, so a scrape may lie between them, and a series that has just begun has not grown yet.
 */
export function areWhole(rows: readonly Pick<ShownStats, 'stats'>[]): boolean {
  const shown = rows.flatMap(({ stats }) => (stats ? [stats] : []))
  return (
    shown.length > 0 &&
    shown.every(
      ({ successCount, failureCount, latencyMsP50, latencyMsP95, latencyMsP99 }) =>
        successCount + failureCount > 0 && latencyMsP50 <= latencyMsP95 && latencyMsP95 <= latencyMsP99,
    )
  )
}

function statsOf({ resource: { namespace, name }, meshedPodCount, runningPodCount, stats }: ShownStats): VizStats {
  return {
    kind: 'Deployment',
    metadata: { name, namespace },
    meshedPods: meshedPodCount,
    runningPods: runningPodCount,
    ...(stats
      ? {
          stats: {
            successes: stats.successCount,
            failures: stats.failureCount,
            latencyMsP50: stats.latencyMsP50,
            latencyMsP95: stats.latencyMsP95,
            latencyMsP99: stats.latencyMsP99,
          },
        }
      : {}),
  }
}
