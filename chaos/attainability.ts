import { z } from 'zod'
import type { Figures } from '../platform/platform.ts'
import type { Range } from './clocks/attempts.ts'

const toleration = z.object({
  key: z.string().optional(),
  operator: z.string().optional(),
  effect: z.string().optional(),
  tolerationSeconds: z.number().optional(),
})
const affinityTerm = z.object({ topologyKey: z.string() })

/** What of a workload decides how fast it can come back. */
export const workloadSchema = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet']),
  metadata: z.object({ name: z.string(), namespace: z.string().default('default') }),
  spec: z.object({
    replicas: z.number().default(1),
    minReadySeconds: z.number().default(0),
    volumeClaimTemplates: z.array(z.unknown()).default([]),
    template: z.object({
      spec: z.object({
        tolerations: z.array(toleration).default([]),
        affinity: z
          .object({
            podAntiAffinity: z
              .object({ requiredDuringSchedulingIgnoredDuringExecution: z.array(affinityTerm).default([]) })
              .optional(),
          })
          .optional(),
        topologySpreadConstraints: z
          .array(z.object({ topologyKey: z.string(), whenUnsatisfiable: z.string() }))
          .default([]),
        volumes: z.array(z.object({ persistentVolumeClaim: z.unknown().optional() })).default([]),
        containers: z.array(
          z.object({ readinessProbe: z.object({ initialDelaySeconds: z.number().default(0) }).optional() }),
        ),
      }),
    }),
  }),
})
export type Workload = z.infer<typeof workloadSchema>

/** Seconds that Kubernetes takes before it does anything about a lost node. */
export const kubernetesTimes = {
  /** `--node-monitor-grace-period` of the controller manager: 50 s since Kubernetes 1.32, 40 s before. */
  monitorGrace: 50,
  /** `--node-monitor-period`: how often the heartbeats are looked at. */
  monitorPeriod: 5,
  /** The kubelet renews its Lease every 10 s: at its death the last heartbeat is up to so old. */
  heartbeat: 10,
  /** What the admission plug-in DefaultTolerationSeconds gives a pod without tolerations of its own. */
  defaultToleration: 300,
} as const

/** Whether an objective can be met at all, by figures; nothing is measured. */
export type Attainability = {
  workload: string
  objective: 'podRecovery' | 'nodeRecovery'
  objectiveSeconds: number
  /** The least and the most seconds that pass before the last of it begins; the start of the pod comes on top. */
  boundSeconds: Range
  verdict: 'attainable' | 'not attainable' | 'depends'
  /** The sum, written out. */
  because: string
}

/** What bounds the recovery of a workload from the loss of a pod and of its node. DaemonSets come back with their node. */
export function attainabilityOf(workload: Workload, figures: Figures): Attainability[] {
  const { kind, metadata } = workload
  const name = `${kind} ${metadata.namespace}/${metadata.name}`
  const judged = (objective: Attainability['objective'], { range, because }: Bound): Attainability => {
    const objectiveSeconds = figures.objectives[objective].maxSeconds
    return {
      workload: name,
      objective,
      objectiveSeconds,
      boundSeconds: range,
      verdict: verdictOf(range, objectiveSeconds),
      because,
    }
  }
  const ofPod = judged('podRecovery', podBound(workload))
  return kind === 'DaemonSet' ? [ofPod] : [ofPod, judged('nodeRecovery', nodeBound(workload))]
}

/** `depends`: the least that passes fits, the most does not. */
const verdictOf = ({ lower, upper }: Range, objective: number): Attainability['verdict'] => {
  if (lower >= objective) return 'not attainable'
  return upper < objective ? 'attainable' : 'depends'
}

type Bound = { range: Range; because: string }

const fixed = (seconds: number): Range => ({ lower: seconds, upper: seconds })

function podBound({ spec }: Workload): Bound {
  const delay = Math.max(
    0,
    ...spec.template.spec.containers.map(({ readinessProbe }) => readinessProbe?.initialDelaySeconds ?? 0),
  )
  const { minReadySeconds } = spec
  return {
    range: fixed(delay + minReadySeconds),
    because: `${delay} s until readiness is first asked for + ${minReadySeconds} s minReadySeconds`,
  }
}

/** From the death of a node until the control plane says so. */
const detection: Range = {
  lower: kubernetesTimes.monitorGrace - kubernetesTimes.heartbeat,
  upper: kubernetesTimes.monitorGrace + kubernetesTimes.monitorPeriod,
}
const detectionText = `${detection.lower}-${detection.upper} s until the node counts as lost`
const never: Range = { lower: Infinity, upper: Infinity }

function nodeBound(workload: Workload): Bound {
  const { kind, spec } = workload
  const pod = spec.template.spec
  if (spec.replicas >= 2 && isSpread(workload))
    return { range: detection, because: `${detectionText}; another replica on another node then serves alone` }
  if (kind === 'StatefulSet')
    return {
      range: never,
      because: 'without fencing the old pod stays Terminating, and a StatefulSet makes no second one of its name',
    }
  if (
    spec.volumeClaimTemplates.length > 0 ||
    pod.volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined)
  )
    return { range: never, because: 'without fencing its volume stays attached to the lost node' }
  const tolerated = tolerationOf(pod.tolerations)
  if (tolerated === undefined) return { range: never, because: 'it tolerates a lost node for ever' }
  return {
    range: { lower: detection.lower + tolerated, upper: detection.upper + tolerated },
    because: `${detectionText} + ${tolerated} s that its pods tolerate it`,
  }
}

/** Replicas that have to be on different nodes; what is only preferred may be on one. */
function isSpread({ spec }: Workload): boolean {
  const { affinity, topologySpreadConstraints } = spec.template.spec
  const required = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  return (
    required.some(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname') ||
    topologySpreadConstraints.some(
      ({ topologyKey, whenUnsatisfiable }) =>
        topologyKey === 'kubernetes.io/hostname' && whenUnsatisfiable === 'DoNotSchedule',
    )
  )
}

type Toleration = z.infer<typeof toleration>

/** Seconds that pods stay on a node that is unreachable; undefined when it is for ever. */
function tolerationOf(tolerations: readonly Toleration[]): number | undefined {
  const fitting = tolerations.filter(
    ({ key, operator, effect }) =>
      (key === 'node.kubernetes.io/unreachable' || (key === undefined && operator === 'Exists')) &&
      (effect === undefined || effect === '' || effect === 'NoExecute'),
  )
  if (fitting.length === 0) return kubernetesTimes.defaultToleration
  const seconds = fitting.flatMap(({ tolerationSeconds }) =>
    tolerationSeconds === undefined ? [] : [tolerationSeconds],
  )
  return seconds.length < fitting.length ? undefined : Math.min(...seconds)
}

/** One line per workload that cannot meet an objective, or only may. */
export function attainabilityText({
  workload,
  objective,
  objectiveSeconds,
  boundSeconds,
  verdict,
  because,
}: Attainability): string {
  const { lower, upper } = boundSeconds
  const bound = Number.isFinite(upper) ? `${lower}-${upper} s` : 'without bound'
  return `${verdict.padEnd(14)} ${workload}: ${bound} against ${objectiveSeconds} s (${objective}): ${because}`
}
