import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { namespaceOf } from '../../platform/platform.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { forwardToService } from '../http-forward.ts'
import { parseJSON } from '../json.ts'
import type { VizEdge, VizStats } from '../kinds/viz.ts'
import type { Observer, Observing } from '../observe.ts'

/** Connections come and go with the scrapes of a quiet platform, and a fresh one has none yet. */
const patienceMs = 30_000
const pauseMs = 3_000

const failed = z.object({ error: z.unknown() })

/**
 * One answer of the dashboard. Its pods answer for some host names only, and metrics-api behind it for the dashboard
 * only: so the dashboard is asked, over a port-forward.
 */
async function askDashboard<T>({ here, names, deadline }: Observing, path: string, schema: z.ZodType<T>): Promise<T> {
  const { name, namespace = 'linkerdViz', port = 8084 } = names.services.vizWeb
  const get = forwardToService(here.connection, { namespace: namespaceOf(names, namespace), name, port })
  const { status, text } = await get(path, deadline)
  const body = parseJSON(text)
  const parsed = schema.safeParse(body)
  if (status === 200 && parsed.success) return parsed.data
  const reason = failed.safeParse(body).success ? JSON.stringify(body) : text
  throw new Error(`Linkerd Viz of ${here.cluster} answered ${path} with ${status}: ${reason.slice(0, 160)}`)
}

const resource = z.object({ namespace: z.string(), name: z.string() })
const edgesAnswer = z.object({
  ok: z.object({
    edges: z.array(
      z.object({
        src: resource,
        dst: resource,
        clientId: z.string().default(''),
        serverId: z.string().default(''),
        noIdentityMsg: z.string().default(''),
      }),
    ),
  }),
})

/** The edges that Viz shows between Deployments; asked again while there is none. */
export const observeVizEdges: Observer = async (observing): Promise<VizEdge[]> => {
  const patience = deadlineIn(patienceMs, observing.deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until there is one
    const { ok } = await askDashboard(observing, '/api/edges?resource_type=deployment', edgesAnswer)
    if (ok.edges.length > 0 || patience.remainingMs() < pauseMs)
      return ok.edges.map(({ src, dst, clientId, serverId, noIdentityMsg }) => ({
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

const count = z.coerce.number().default(0)
const statsAnswer = z.object({
  ok: z.object({
    statTables: z.array(
      z.object({
        podGroup: z.object({
          rows: z.array(
            z.object({
              resource,
              meshedPodCount: count,
              runningPodCount: count,
              stats: z
                .object({
                  successCount: count,
                  failureCount: count,
                  latencyMsP50: count,
                  latencyMsP95: count,
                  latencyMsP99: count,
                })
                .nullish(),
            }),
          ),
        }),
      }),
    ),
  }),
})

/**
 * The figures that Viz shows for every Deployment; asked again while it has none of any, and while percentiles are not of
 * one moment: Viz asks its store for each of them on its own, and a scrape may lie in between.
 */
export const observeVizStats: Observer = async (observing): Promise<VizStats[]> => {
  const patience = deadlineIn(patienceMs, observing.deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until there are figures
    const { ok } = await askDashboard(
      observing,
      '/api/tps-reports?resource_type=deployment&all_namespaces=true',
      statsAnswer,
    )
    const rows = ok.statTables.flatMap(({ podGroup }) => podGroup.rows)
    const isWhole = rows.some(({ stats }) => stats) && rows.every(isOfOneMoment)
    if (isWhole || patience.remainingMs() < pauseMs) return rows.map(statsOf)
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: observing.deadline.signal })
  }
}

type Row = z.infer<typeof statsAnswer>['ok']['statTables'][number]['podGroup']['rows'][number]

const isOfOneMoment = ({ stats }: Row) =>
  !stats || (stats.latencyMsP50 <= stats.latencyMsP95 && stats.latencyMsP95 <= stats.latencyMsP99)

function statsOf({ resource: { namespace, name }, meshedPodCount, runningPodCount, stats }: Row): VizStats {
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
