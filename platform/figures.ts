import semver from 'semver'
import { z } from 'zod'
import { address, amount, claimId, clusterName, count, figure, network, phaseNumber, share, text } from './shapes.ts'

const exactVersion = z.string().refine((found) => semver.valid(found) === found, 'a version, such as 1.34.1')
const leastVersion = z.string().regex(/^\d+\.\d+(\.\d+)?$/, 'a version or release line, such as 1.18')
const versionRange = z
  .string()
  .refine((found) => semver.validRange(found) !== null, 'a semver range, such as 1.30 - 1.33')

const capacity = { cpuCores: amount, memoryGB: amount }
const terabytes = figure({ terabytes: amount })

/** A component's share of a cluster. `linkerd-proxies` stands for the proxies of all pods. */
const budget = figure({ component: text, ...capacity })

const cluster = <N extends string>(name: N) =>
  z.strictObject({
    name: z.literal(name),
    /** The name at which the Kubernetes API answers. */
    endpoint: figure({ host: text }),
    nodes: z.array(figure({ name: text, address, alternatives: z.array(text).optional() })).min(1, 'at least one node'),
    podCIDR: figure({ value: network }),
    serviceCIDR: figure({ value: network }),
    loadBalancerPool: figure({ start: address, stop: address }),
    /** Each node. */
    node: figure({ ...capacity, storageTB: amount }),
    storage: z.strictObject({ cephRaw: terabytes, cephUsable: terabytes, openebs: terabytes }),
    used: figure(capacity),
    available: figure(capacity),
    meshedPods: figure({ count }),
    budgets: z.array(budget).min(1, 'at least one budget'),
  })

const component = figure({
  id: text,
  name: text,
  /** Ends of repository paths. */
  images: z.array(text).min(1, 'at least one image'),
  claims: z.array(claimId),
  clusters: z.array(clusterName).min(1, 'infra, apps or both'),
  /** Whether the document forbids it on the other cluster. */
  exclusive: z.boolean(),
  phase: phaseNumber,
})

/** The Kubernetes versions that a release line supports. */
const support = figure({
  release: z.string().regex(/^\d+\.\d+$/, 'a release line, such as 1.18'),
  kubernetes: versionRange,
})

const decides = { claims: z.array(claimId).min(1, 'the claims that it decides') }
const maxSeconds = figure({ maxSeconds: amount, ...decides })
const maxHours = figure({ maxHours: amount, ...decides })
const maxDays = figure({ maxDays: amount, ...decides })
const aboutPercent = figure({ aboutPercent: amount, ...decides })

const objectives = z.strictObject({
  podRecovery: maxSeconds,
  nodeRecovery: maxSeconds,
  clusterRecovery: maxHours,
  platformRecovery: maxHours,
  volumeRecoveryPoint: maxHours,
  clusterBackupInterval: maxDays,
  tier1DrillInterval: maxDays,
  tier2DrillInterval: maxDays,
  tier3DrillInterval: maxDays,
  secretAge: maxDays,
  addedLatency: aboutPercent,
  addedLatencyOfIstioSidecar: aboutPercent,
  resourceRatioToIstio: figure({ aboutRatio: amount, ...decides }),
  alertChannels: figure({ minCount: count, ...decides }),
  knownCVEsOfProxy: figure({ maxCount: count, ...decides }),
})

const mesh = z.strictObject({
  leafLifetime: figure({ hours: amount }),
  /** Namespaces whose pods cannot have a proxy. */
  exceptions: z.array(figure({ namespace: text, reason: text })),
  /** Each meshed pod. */
  proxyCost: figure({ cpuCores: amount, memoryMB: amount }),
  istioSidecars: figure({ pods: count, ...capacity }),
  savings: figure({ ...capacity, cpuPercent: amount }),
})

/** What a user of the platform does over HTTP, with what it has to hold under load. */
const journey = figure({
  name: text,
  /** Where the load comes from. */
  cluster: clusterName,
  url: z.url('an address, such as http://name.namespace.svc.cluster.local:8080/'),
  requestsPerSecond: count,
  /** The share of requests that succeed at least. */
  minSuccessRate: share,
  maxP99Ms: amount,
})
export type Journey = z.infer<typeof journey>

const storage = z.strictObject({
  cephReplicas: figure({ copies: count }),
  localDisk: figure({ gigabytes: amount }),
  /** How old the last answer of Ceph may be. */
  cephStatus: figure({ maxSeconds: amount }),
  /** How old the last validation of a place for backups may be. */
  backupLocationStatus: figure({ maxSeconds: amount }),
  /** Words in the names of volumes that may be lost. */
  cacheVolumes: figure({ words: z.array(text).min(1, 'at least one word') }),
  /** Volumes that VolSync need not copy, by a label that they carry, with any value when none is given. */
  otherwiseKept: z.array(figure({ label: text, value: text.optional(), reason: text })),
})

/** `platform.yaml`. */
export const figuresSchema = z.strictObject({
  document: figure({ title: text, version: text, date: z.iso.date('a day, such as 2025-10-15') }),
  phase: phaseNumber,
  phases: z.array(figure({ number: phaseNumber, name: text, weeks: text })).min(1, 'at least one phase'),
  nodeNetwork: figure({ value: network }),
  router: figure({ name: text, address }),
  clusters: z.strictObject({ infra: cluster('infra'), apps: cluster('apps') }),
  versions: z.strictObject({
    talos: figure({ equals: exactVersion }),
    kubernetes: figure({ equals: exactVersion }),
    cilium: figure({ atLeast: leastVersion }),
    linkerd: figure({ atLeast: leastVersion }),
    /** A major version. */
    postgres: figure({ equals: z.int().positive('a major version') }),
  }),
  tools: z.record(text, figure({ atLeast: leastVersion })),
  compatibility: z.strictObject({ cilium: z.array(support), linkerd: z.array(support) }),
  /** How far "about" reaches, as a share of the documented figure. */
  tolerance: figure({ about: share }),
  headroom: figure({ minimumFreeShare: share }),
  mesh,
  infraAllocation: z.strictObject({
    platform: figure(capacity),
    workloads: figure({ memoryGB: amount }),
    buffer: figure(capacity),
  }),
  storage,
  /** How a database is known by its image or port. */
  databaseEngines: figure({ images: z.array(text).min(1, 'at least one image'), ports: z.array(z.int().positive()) }),
  objectives,
  journeys: z.array(journey).default([]),
  components: z.array(component),
})

export type Figures = z.infer<typeof figuresSchema>
export type ClusterFigures = Figures['clusters']['infra' | 'apps']
export type Budget = z.infer<typeof budget>
export type Component = z.infer<typeof component>
