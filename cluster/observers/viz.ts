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

/**
 * The figures that Viz shows for every Deployment; asked again while it has none of any, and while percentiles are not of
 * one moment: Viz asks its store for each of them on its own, and a scrape may lie in between.
 */
export const observeVizStats: Observer = async (observing): Promise<VizStats[]> => {
  const patience = deadlineIn(patienceMs, observing.deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until there are figures
    const rows = await shownStats(
      dashboardOf(observing),
      { resource_type: 'deployment', all_namespaces: 'true' },
      observing.deadline,
    )
    const isWhole = rows.some(({ stats }) => stats) && rows.every(isOfOneMoment)
    if (isWhole || patience.remainingMs() < pauseMs) return rows.map(statsOf)
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: observing.deadline.signal })
  }
}

const isOfOneMoment = ({ stats }: ShownStats) =>
  !stats || (stats.latencyMsP50 <= stats.latencyMsP95 && stats.latencyMsP95 <= stats.latencyMsP99)

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
