import { z } from 'zod'
import { observation } from './observations.ts'

const workload = z.object({ namespace: z.string(), name: z.string() })

/** The edges between Deployments that the dashboard of Linkerd Viz shows. */
export const vizEdges = observation(
  'viz-edges',
  'edges in Linkerd Viz',
  z.object({
    /** `demo/echo to demo/catalog`. */
    metadata: z.object({ name: z.string() }),
    from: workload,
    to: workload,
    clientId: z.string(),
    serverId: z.string(),
    /** Why there is no TLS, in words; empty where there is, but also for reasons that Viz has no words for. */
    noTLS: z.string(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [] },
)
export type VizEdge = z.infer<typeof vizEdges.schema>

/** The figures of the last minute that the dashboard of Linkerd Viz shows for each Deployment. */
export const vizStats = observation(
  'viz-stats',
  'figures in Linkerd Viz',
  z.object({
    kind: z.literal('Deployment'),
    metadata: workload,
    meshedPods: z.number(),
    runningPods: z.number(),
    /** Absent where no proxy of it counted a response. */
    stats: z
      .object({
        successes: z.number(),
        failures: z.number(),
        latencyMsP50: z.number(),
        latencyMsP95: z.number(),
        latencyMsP99: z.number(),
      })
      .optional(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [] },
)
export type VizStats = z.infer<typeof vizStats.schema>
