import { z } from 'zod'
import { claimId, clusterName, text } from '../platform/shapes.ts'
import { journeySchema } from './prober/journey.ts'
import { phaseIds, phaseSchema } from './rebuild/phases.ts'
import { storeSchema } from './restore/store.ts'
import { plainName } from './shapes.ts'

/** Labels that select pods. All of them are written out: what selects everything selects nothing here. */
const labels = z
  .record(
    z.string().regex(/^[A-Za-z0-9][-A-Za-z0-9_./]*$/, 'a label key without a wildcard'),
    z.string().regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/, 'a label value without a wildcard'),
  )
  .refine((given) => Object.keys(given).length > 0, 'at least one label: an empty selector selects every pod')

const podTarget = z.strictObject({ namespace: plainName, labels, take: z.int().min(1, '1 or more') })
const atMost = z.int().min(1, 'a cap of 1 or more').max(3, 'a cap of at most 3: more is no drill')
const nodeNames = z.array(plainName).min(1, 'at least one node, by name').max(2, 'two nodes at most')
const workload = z.strictObject({
  kind: z.enum(['Deployment', 'StatefulSet']),
  namespace: plainName,
  name: plainName,
})

const kubernetes = { driver: z.literal('kubernetes'), atMost }
const gracePeriodSeconds = z.int().min(1, 'at least 1 second: 0 is a forced deletion, which no crash is').default(1)

const kubernetesFault = z.discriminatedUnion('action', [
  z.strictObject({ ...kubernetes, action: z.literal('delete'), pods: podTarget, gracePeriodSeconds }),
  z.strictObject({ ...kubernetes, action: z.literal('evict'), pods: podTarget, gracePeriodSeconds }),
  /** Sends a signal to the first process of a container: a crash that keeps the pod and its volumes. */
  z.strictObject({
    ...kubernetes,
    action: z.literal('signal'),
    pods: podTarget,
    container: plainName,
    signal: z.enum(['TERM', 'QUIT', 'INT']),
  }),
  z.strictObject({ ...kubernetes, action: z.literal('cordon'), nodes: nodeNames }),
  z.strictObject({
    ...kubernetes,
    action: z.literal('taint'),
    nodes: nodeNames,
    effect: z.enum(['NoSchedule', 'NoExecute']),
  }),
  z.strictObject({ ...kubernetes, action: z.literal('scale'), workload, replicas: z.int().min(0).max(10) }),
])

const nodePowerFault = z.strictObject({
  driver: z.literal('node-power'),
  action: z.literal('off'),
  atMost,
  nodes: nodeNames,
  /** Takes away the majority of the control plane, on purpose. Only on the pair. */
  breaksQuorum: z.boolean().default(false),
})

const linkFault = z.strictObject({
  driver: z.literal('link'),
  action: z.literal('cut'),
  atMost: z.literal(1),
})

/** Backs up under writes and restores: a database beside the one in use, or what the scenario itself brings. */
const restore = { driver: z.literal('restore'), atMost: z.literal(1), store: storeSchema }

const restoreFault = z.discriminatedUnion('action', [
  z.strictObject({
    ...restore,
    action: z.literal('database'),
    pods: podTarget,
    container: plainName,
    /** The folder of the server's socket, within its container. */
    socket: z.string().startsWith('/'),
  }),
  /** Of a workload that the scenario brings, into the volume of another one. */
  z.strictObject({ ...restore, action: z.literal('volume'), own: plainName, into: plainName }),
  /** The namespace of the workloads that the scenario brings, which is deleted and made again. */
  z.strictObject({ ...restore, action: z.literal('namespace'), own: plainName }),
])

/** Loses a whole cluster, and goes the way back from what is kept outside of it. */
export const clusterFault = z.strictObject({
  driver: z.literal('cluster'),
  action: z.literal('rebuild'),
  /** Its control-plane members: the cap of every other fault, and here all of them. */
  atMost: z.literal(3),
  /** The database whose rows have to come back. */
  database: z.strictObject({
    namespace: plainName,
    /** Of all its instances. */
    labels,
    /** What the primary has beside those. */
    primary: labels,
    container: plainName,
    socket: z.string().startsWith('/'),
  }),
  /** Namespaces whose ConfigMaps no repository has. */
  keeps: z.array(plainName).default([]),
  phases: z
    .array(phaseSchema)
    .refine((given) => given.map(({ id }) => id).join() === phaseIds.join(), `the phases ${phaseIds.join(', ')}`),
})

/** Durations of Chaos Mesh are Go's. */
const chaosMeshFault = z.strictObject({
  driver: z.literal('chaos-mesh'),
  action: z.enum(['pod-kill', 'pod-failure', 'partition', 'delay', 'cpu-stress', 'io-latency']),
  atMost,
  pods: podTarget,
  /** What the action needs beside its targets: `{ latency: 300ms }`. */
  settings: z.record(z.string(), z.string()).default({}),
})

export const faultSchema = z.union([
  kubernetesFault,
  nodePowerFault,
  linkFault,
  restoreFault,
  clusterFault,
  chaosMeshFault,
])
export type Fault = z.infer<typeof faultSchema>

/** Deployments that the scenario brings, so that nothing of the platform has to be the victim. */
const ownWorkload = z.strictObject({
  name: plainName,
  /** The node that they are put on, if there is room. */
  prefersNode: plainName,
  /** Seconds for which pods stay on a node that is lost; Kubernetes' own 300 when left out. */
  tolerationSeconds: z.int().min(0).max(3_600).optional(),
  /** With a volume, for journeys that write files. */
  hasVolume: z.boolean().default(false),
})

/** One judgement of a scenario: by which objective of platform.yaml, on what it measured. */
const judgement = z.strictObject({
  /** The claim that it is about. What the document says nothing of is measured and recorded, and judges no claim. */
  claim: claimId.optional(),
  /** Key of `objectives` in platform.yaml. */
  objective: z.enum(['podRecovery', 'nodeRecovery', 'clusterRecovery']),
  /**
   * `outage`: the longest outage of the journeys. `replacement`: until every lost pod has a Ready replacement.
   * `healing`: from the end of the fault until the journeys are well. `untouched`: nobody notices anything. `restored`:
   * what was written before the backup comes back as it was.
   */
  by: z.enum(['outage', 'replacement', 'healing', 'untouched', 'restored']),
  /** The journeys that it is about; all when left out. */
  journeys: z.array(plainName).optional(),
  /** What has to be true, as it is printed. */
  fact: text,
  /** A miss is what the claim's dispute in claims.yaml leads to. */
  disputed: z.boolean().default(false),
})

const longestOfFault = 3_600
const longestOfRebuild = 28_800

export const scenarioSchema = z
  .strictObject({
    id: plainName,
    what: text,
    /** The cluster that something is broken on; `across` for the link between the two. */
    cluster: z.enum([...clusterName.options, 'across']),
    /** Why this scenario judges what it judges, where that is not plain. */
    because: text.optional(),
    tier: z.int().min(1).max(3),
    fault: faultSchema,
    workloads: z.array(ownWorkload).default([]),
    journeys: z.array(journeySchema).min(1, 'at least one journey: without a prober nothing is measured'),
    judge: z.array(judgement).min(1, 'at least one judgement'),
    /** How long all journeys have to be well before anything is broken. */
    steadySeconds: z.int().min(1).max(300).default(5),
    /** How long a fault that lasts is kept up. A one-shot fault lasts 0 seconds. */
    faultSeconds: z.int().min(0).max(900),
    /** How long a journey has to be well again to count as back. */
    stableSeconds: z.int().min(2).max(300).default(15),
    /** The end of everything that waits: after it the outage counts as not ended. */
    longestSeconds: z.int().min(10).max(longestOfRebuild),
    /** What this fault does to the control plane: a lost view is then no reason to stop. */
    hidesAPI: z.boolean().default(false),
    /** Nothing may run on the other cluster meanwhile, because the journeys cross the border. */
    isAlone: z.boolean().default(false),
  })
  .refine(({ faultSeconds, longestSeconds }) => faultSeconds < longestSeconds, {
    path: ['longestSeconds'],
    error: 'more seconds than the fault lasts, so that the recovery can be seen',
  })
  .refine(({ fault, longestSeconds }) => fault.driver === 'cluster' || longestSeconds <= longestOfFault, {
    path: ['longestSeconds'],
    error: `at most ${longestOfFault} seconds: only a cluster that is rebuilt takes longer`,
  })
export type Scenario = z.infer<typeof scenarioSchema>
export type OwnWorkload = Scenario['workloads'][number]
export type ScenarioJudgement = Scenario['judge'][number]

/** The clusters whose Lease a scenario takes. */
export const clustersOf = ({ cluster }: Pick<Scenario, 'cluster'>): ('infra' | 'apps')[] =>
  cluster === 'across' ? ['infra', 'apps'] : [cluster]
