import { check } from '../check/check.ts'
import { optional } from '../check/source.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { deployments, nodes, pods } from '../cluster/kinds/core.ts'
import type { CephBlockPool, CephCluster, CephPool } from '../cluster/kinds/storage.ts'
import { cephBlockPools, cephClusters, cephFilesystems, cephObjectStores } from '../cluster/kinds/storage.ts'
import type { ClusterFigures, Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { ageMs, inWords, secondMs } from './ages.ts'
import {
  expectedObjects,
  isReady,
  isRunning,
  missing,
  nameOfExpected,
  unlessOneIsEmpty,
  workloadHealth,
} from './objects.ts'
import { roundTo } from './quantities.ts'

export const terabyte = 1e12

const documentedCluster = ({ clusters }: { clusters: CephCluster[] }, names: Names) =>
  expectedObjects('CephCluster', namespaceOf(names, 'rookCeph'), [names.customResources.cephCluster.name], clusters)

/** `true`, or why what a CephCluster says of Ceph does not count: Rook keeps the last answer when Ceph gives none. */
export function cephStatusIsFresh({ status }: CephCluster, { storage }: Figures, now: Date): true | string {
  const age = ageMs(status.ceph?.lastChecked, now)
  if (age === undefined) return 'does not say when Ceph was asked last'
  return age <= storage.cephStatus.maxSeconds * secondMs || `was asked last ${inWords(age)} ago`
}

export const cephHealthy = check({
  claim: 'STO-01',
  fact: 'the Ceph cluster is ready and healthy, by an answer that is fresh',
  // A cluster without the kind has no Ceph cluster.
  reads: { clusters: optional(cephClusters) },
  population: 'documented Ceph clusters',
  atLeast: 1,
  expected: ({ figures }) => `Ready and HEALTH_OK, asked within ${figures.storage.cephStatus.maxSeconds} s`,
  subjects: (read, { names }) => documentedCluster(read, names),
  name: nameOfExpected,
  holds: ({ found }, { figures, now }) => {
    if (!found) return missing
    const { phase, ceph } = found.status
    if (phase !== 'Ready') return `is ${phase ?? 'in no phase'}`
    const fresh = cephStatusIsFresh(found, figures, now)
    if (fresh !== true) return fresh
    if (ceph?.health === 'HEALTH_OK') return true
    const details = Object.entries(ceph?.details ?? {}).map(([code, { message }]) => `${code}: ${message}`)
    return [`is ${ceph?.health ?? 'of no known health'}`, ...details].join('; ')
  },
})

const osdLabel = { key: 'app', value: 'rook-ceph-osd' }
const isOSD = ({ metadata }: { metadata: Pod['metadata'] }, names: Names) =>
  metadata.labels[osdLabel.key] === osdLabel.value && metadata.namespace === namespaceOf(names, 'rookCeph')

export const storageDaemonPerNode = check({
  claim: 'STO-01',
  fact: 'one storage daemon of Ceph runs on each node',
  reads: { nodes, pods },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'each node has one drive for Ceph',
  expected: 'exactly one running, ready pod rook-ceph-osd',
  subjects: (read) => unlessOneIsEmpty([read.pods], read.nodes),
  holds: ({ metadata }, { names }, read) => {
    const own = read.pods.filter(
      (pod) => isOSD(pod, names) && pod.spec.nodeName === metadata.name && isRunning(pod) && isReady(pod),
    )
    return own.length === 1 || `has ${own.length} running, ready storage daemons`
  },
})

/** Raw bytes of a Ceph cluster, as Ceph itself counts them; undefined when it does not say. */
export const rawBytes = ({ status }: CephCluster): number | undefined => status.ceph?.capacity?.bytesTotal

/** Whether an observed figure is about the documented one. */
export const isAbout = (observed: number, documented: number, { tolerance }: Figures) =>
  Math.abs(observed - documented) <= documented * tolerance.about

export const rawCapacity = check({
  claim: 'STO-01',
  fact: 'Ceph has the raw capacity of the documented drives',
  reads: { clusters: optional(cephClusters) },
  population: 'documented Ceph clusters',
  atLeast: 1,
  expected: ({ documented }) => `about ${documented.storage.cephRaw.terabytes} TB of raw capacity`,
  subjects: (read, { names }) => documentedCluster(read, names),
  name: nameOfExpected,
  holds: ({ found }, { documented, figures }) => {
    if (!found) return missing
    const bytes = rawBytes(found)
    if (bytes === undefined) return 'does not say how much it has'
    const terabytes = bytes / terabyte
    return isAbout(terabytes, documented.storage.cephRaw.terabytes, figures) || `has ${roundTo(2, terabytes)} TB`
  },
})

/** A pool of Ceph, however it came to be. */
type Pool = {
  kind: string
  metadata: CephBlockPool['metadata']
  part: string
  spec: CephPool
  phase: string | undefined
}

export const threeCopies = check({
  claim: 'STO-02',
  fact: 'every pool keeps the documented number of copies, each on another node',
  reads: {
    pools: cephBlockPools,
    filesystems: optional(cephFilesystems),
    stores: optional(cephObjectStores),
  },
  population: 'pools of Ceph',
  atLeast: 1,
  because: 'block storage takes one',
  expected: ({ figures }) => `${figures.storage.cephReplicas.copies} replicas with the failure domain host`,
  subjects: (read) =>
    unlessOneIsEmpty<Pool>(
      [read.pools],
      [
        ...read.pools.map((pool) => ({ ...pool, part: '', phase: pool.status.phase })),
        ...read.filesystems.flatMap((filesystem) =>
          partsOf(filesystem, [filesystem.spec.metadataPool, ...filesystem.spec.dataPools]),
        ),
        ...read.stores.flatMap((store) => partsOf(store, [store.spec.metadataPool, store.spec.dataPool])),
      ],
    ),
  holds: ({ part, spec, phase }, { figures }) => {
    const { copies } = figures.storage.cephReplicas
    if (phase !== 'Ready') return `is ${phase ?? 'in no phase'}`
    if (spec.replicated === undefined) return `${part}is not replicated`
    if (spec.replicated.size !== copies) return `${part}keeps ${spec.replicated.size} copies`
    // Without one Rook takes the host.
    const domain = spec.failureDomain ?? 'host'
    return domain === 'host' || `${part}has the failure domain ${domain}`
  },
})

type Pooled = { kind: string; metadata: CephBlockPool['metadata']; status: { phase?: string | undefined } }
const partsOf = ({ kind, metadata, status }: Pooled, pools: readonly (CephPool | undefined)[]): Pool[] =>
  pools.flatMap((spec, index) =>
    spec === undefined
      ? []
      : [{ kind, metadata, spec, phase: status.phase, part: index === 0 ? 'its metadata pool ' : 'its data pool ' }],
  )

/** What three copies leave of the documented raw capacity. */
export const possibleTerabytes = ({ storage }: ClusterFigures, figures: Figures): number =>
  storage.cephRaw.terabytes / figures.storage.cephReplicas.copies

type Usable = { pool: CephBlockPool; terabytes: number }

export const usableCapacity = check({
  claim: 'STO-05',
  fact: 'Ceph offers the documented usable space',
  reads: { clusters: cephClusters, pools: cephBlockPools },
  population: 'replicated block pools of a Ceph cluster with a fresh status',
  atLeast: 1,
  expected: ({ documented }) => `about ${documented.storage.cephUsable.terabytes} TB after replication`,
  subjects: ({ clusters, pools }, { names, figures, now }): Usable[] => {
    const found = documentedCluster({ clusters }, names)[0]?.found
    const bytes = found && cephStatusIsFresh(found, figures, now) === true ? rawBytes(found) : undefined
    if (bytes === undefined) return []
    return pools.flatMap((pool) =>
      pool.spec.replicated ? [{ pool, terabytes: bytes / pool.spec.replicated.size / terabyte }] : [],
    )
  },
  name: ({ pool }) => ({
    subject: `CephBlockPool ${pool.metadata.namespace}/${pool.metadata.name}`,
    look: `-n ${pool.metadata.namespace} get cephcluster,cephblockpool -o yaml`,
  }),
  holds: ({ terabytes }, { documented, figures }) =>
    isAbout(terabytes, documented.storage.cephUsable.terabytes, figures) || `leaves ${roundTo(2, terabytes)} TB`,
  // What the documented drives and copies lead to is the document's own contradiction; anything else is not.
  disputed: ({ terabytes }, { documented, figures }) =>
    isAbout(terabytes, possibleTerabytes(documented, figures), figures),
  compare: ({ clusters, pools }, { documented, names }) => {
    const bytes = documentedCluster({ clusters }, names).flatMap(({ found }) =>
      found ? (rawBytes(found) ?? []) : [],
    )[0]
    const size = pools[0]?.spec.replicated?.size
    return bytes === undefined || size === undefined
      ? []
      : [
          {
            name: 'usable space of Ceph',
            unit: 'TB',
            documented: documented.storage.cephUsable.terabytes,
            observed: roundTo(2, bytes / size / terabyte),
          },
        ]
  },
})

/** The checks that Ceph encrypts its data, for each of the claims that say so. */
export const encryptionIsOn = (claim: string) =>
  check({
    claim,
    fact: 'Ceph is told to encrypt its drives',
    reads: { clusters: cephClusters },
    population: 'Ceph clusters',
    atLeast: 1,
    expected: 'spec.storage.config.encryptedDevice "true"',
    subjects: (read) => read.clusters,
    holds: ({ spec }) => {
      const { encryptedDevice } = spec.storage.config
      return encryptedDevice === 'true' || `has encryptedDevice ${encryptedDevice ?? 'unset, which means off'}`
    },
  })

/** The setting counts for drives that are taken in later; what a daemon really has, Rook writes on it. */
export const daemonsAreEncrypted = (claim: string) =>
  check({
    claim,
    fact: 'every storage daemon of Ceph was made on an encrypted drive',
    reads: { deployments },
    population: 'storage daemons',
    atLeast: ({ documented }) => documented.nodes.length,
    because: 'one per node',
    expected: 'a healthy Deployment with the label encrypted=true',
    subjects: (read, { names }) => read.deployments.filter((deployment) => isOSD(deployment, names)),
    holds: (deployment) => {
      const { encrypted } = deployment.metadata.labels
      return encrypted === 'true' ? workloadHealth(deployment) : `has the label encrypted=${encrypted ?? ''}`
    },
  })

export const encryptionSetting = encryptionIsOn('STO-09')
export const encryptedDaemons = daemonsAreEncrypted('STO-09')

type Offer = { what: string; kind: string; ready: number; all: string[] }

export const blockObjectAndFile = check({
  claim: 'STO-10',
  fact: 'Ceph offers block, object and file storage, each ready',
  reads: {
    pools: optional(cephBlockPools),
    stores: optional(cephObjectStores),
    filesystems: optional(cephFilesystems),
  },
  population: 'kinds of storage',
  atLeast: 3,
  because: 'block, object and file',
  expected: 'at least one of its kind, all of them Ready',
  subjects: ({ pools, stores, filesystems }): Offer[] => [
    offerOf('block storage', 'CephBlockPool', pools),
    offerOf('object storage', 'CephObjectStore', stores),
    offerOf('file storage', 'CephFilesystem', filesystems),
  ],
  name: ({ what, kind }) => ({ subject: what, look: `get ${kind.toLowerCase()} -A` }),
  holds: ({ kind, ready, all }) => {
    if (all.length === 0) return `is not offered: there is no ${kind}`
    return ready === all.length || `is not ready: ${all.length - ready} of ${kind} ${all.join(', ')}`
  },
})

const offerOf = (what: string, kind: string, objects: readonly Pooled[]): Offer => ({
  what,
  kind,
  ready: objects.filter(({ status }) => status.phase === 'Ready').length,
  all: objects.map(({ metadata }) => metadata.name),
})
