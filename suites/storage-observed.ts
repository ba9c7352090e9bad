import { check } from '../check/check.ts'
import type { ClusterContext } from '../check/check.ts'
import type { CephItem, MountedVolume, StorageDaemon } from '../cluster/kinds/storage-observations.ts'
import { ceph, mountedVolumes } from '../cluster/kinds/storage-observations.ts'
import { cephClusters, storageClasses } from '../cluster/kinds/storage.ts'
import type { StorageClass } from '../cluster/kinds/storage.ts'
import type { Names } from '../platform/platform.ts'
import { cephStatusIsFresh, isAbout, possibleTerabytes, rawBytes, terabyte } from './storage-ceph.ts'
import { classOf } from './storage-volumes.ts'
import { gigabyte, roundTo } from './quantities.ts'

const daemonsIn = (items: readonly CephItem[]): StorageDaemon[] =>
  items.flatMap((item) => (item.what === 'storage daemon' ? [item] : []))
const poolsIn = (items: readonly CephItem[]) => items.flatMap((item) => (item.what === 'pool' ? [item] : []))

/** Names do not reach the naming of a subject; these are the toolbox of upstream. */
const asking = (command: string) => `-n rook-ceph exec deploy/rook-ceph-tools -- ${command}`

const said = { reads: { items: ceph } }

export const daemonsUpAndIn = check({
  ...said,
  claim: 'STO-01',
  fact: 'Ceph counts one storage daemon per node as up and in',
  population: 'storage daemons that Ceph knows',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'each node has one drive for Ceph',
  expected: 'up, in, and alone on its host',
  subjects: ({ items }) => daemonsIn(items),
  name: ({ metadata }) => ({ subject: metadata.name, look: asking('ceph osd tree') }),
  holds: ({ host, up, in: isIn }, { documented }, { items }) => {
    if (!up) return `on ${host} is down`
    if (!isIn) return `on ${host} is out`
    if (!documented.nodes.some(({ name }) => name === host)) return `is on ${host}, which is no documented node`
    const together = daemonsIn(items).filter((other) => other.host === host).length
    return together === 1 || `is one of ${together} on ${host}`
  },
})

/** Most of the copies: a write that fewer have may be lost with them. */
const majority = (copies: number) => Math.floor(copies / 2) + 1

export const poolsKeepCopies = check({
  ...said,
  claim: 'STO-02',
  fact: 'Ceph itself keeps the documented copies of every pool, and takes no write that only one of them would have',
  population: 'pools that Ceph knows',
  atLeast: 1,
  because: 'block storage takes one',
  expected: ({ figures }) => {
    const { copies } = figures.storage.cephReplicas
    return `size ${copies}, min_size ${majority(copies)}`
  },
  subjects: ({ items }) => poolsIn(items),
  name: ({ metadata }) => ({
    subject: `pool ${metadata.name}`,
    look: asking('ceph osd pool ls detail'),
  }),
  holds: ({ size, minSize }, { figures }) => {
    const { copies } = figures.storage.cephReplicas
    return (size === copies && minSize === majority(copies)) || `has size ${size} and min_size ${minSize}`
  },
})

export const poolOffersSpace = check({
  ...said,
  claim: 'STO-05',
  fact: 'Ceph itself counts the documented usable space',
  population: 'block pools whose space Ceph counts',
  atLeast: 1,
  expected: ({ documented }) => `about ${documented.storage.cephUsable.terabytes} TB stored and available`,
  subjects: ({ items }, { names }) => {
    const { name, alternatives = [] } = names.customResources.cephBlockPool
    return poolsIn(items).flatMap((pool) =>
      [name, ...alternatives].includes(pool.metadata.name) && pool.availableBytes !== undefined
        ? [{ ...pool, terabytes: (pool.availableBytes + (pool.storedBytes ?? 0)) / terabyte }]
        : [],
    )
  },
  name: ({ metadata }) => ({
    subject: `pool ${metadata.name}`,
    look: asking('ceph df'),
  }),
  holds: ({ terabytes }, { documented, figures }) =>
    isAbout(terabytes, documented.storage.cephUsable.terabytes, figures) || `has ${roundTo(2, terabytes)} TB`,
  // Ceph keeps a part of every drive free, so it offers less than a third of them.
  disputed: ({ terabytes }, { documented, figures }) => {
    const possible = possibleTerabytes(documented, figures)
    return terabytes <= possible && terabytes >= possible * fullShare * (1 - figures.tolerance.about)
  },
})

/** Ceph takes no more data when a drive is so full. */
const fullShare = 0.95

type Local = { node: string; gigabytes: number }
type Mounted = { volumes: MountedVolume[]; classes: StorageClass[] }

const localVolumes = ({ volumes, classes }: Mounted, { names }: { names: Names }): MountedVolume[] => {
  const name = classOf('local', names, classes)?.metadata.name
  return volumes.filter(({ storageClassName }) => storageClassName === name)
}

/** The filesystem of local volumes on each node that has one mounted; the largest, where they differ. */
const localDisks = (read: Mounted, context: { names: Names }): Local[] =>
  [...Map.groupBy(localVolumes(read, context), ({ node }) => node)].map(([node, own]) => ({
    node,
    gigabytes: Math.max(...own.map(({ capacityBytes }) => capacityBytes)) / gigabyte,
  }))

const measured = { volumes: mountedVolumes, classes: storageClasses }

export const localVolumesOnTheirDisk = check({
  claim: 'STO-04',
  fact: 'every mounted local volume is on a filesystem of the size of the local disk',
  reads: measured,
  population: 'mounted claims of the local class',
  atLeast: 1,
  because: 'caches and Postgres mount some',
  expected: ({ figures }) => `about ${figures.storage.localDisk.gigabytes} GB`,
  subjects: (read, context) => localVolumes(read, context),
  holds: ({ capacityBytes, node }, { figures }) =>
    isAbout(capacityBytes / gigabyte, figures.storage.localDisk.gigabytes, figures) ||
    `is on ${roundTo(0, capacityBytes / gigabyte)} GB of ${node}`,
})

export const localCapacity = check({
  claim: 'STO-06',
  fact: 'OpenEBS has the documented space on every node',
  reads: measured,
  population: 'nodes with a mounted local volume',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'a node without one is not measured, and the sum needs all of them',
  expected: ({ figures, documented }) =>
    `about ${figures.storage.localDisk.gigabytes} GB each, ${documented.storage.openebs.terabytes} TB in all`,
  subjects: (read, context) => localDisks(read, context),
  name: ({ node }) => ({ subject: `Node ${node}`, look: `get --raw /api/v1/nodes/${node}/proxy/stats/summary` }),
  holds: ({ gigabytes }, { figures }) =>
    isAbout(gigabytes, figures.storage.localDisk.gigabytes, figures) || `has ${roundTo(0, gigabytes)} GB`,
  compare: (read, context) => [
    {
      name: 'space of OpenEBS',
      unit: 'TB',
      documented: context.documented.storage.openebs.terabytes,
      observed: terabytesOf(localDisks(read, context)),
    },
  ],
})

const terabytesOf = (disks: readonly Local[]) =>
  roundTo(2, disks.reduce((sum, { gigabytes }) => sum + gigabytes, 0) * (gigabyte / terabyte))

export const storageInAll = check({
  claim: 'RES-03',
  fact: 'the drives of Ceph and the local disks add up to the documented storage',
  reads: { ...measured, clusters: cephClusters },
  population: 'sums of storage',
  atLeast: 1,
  because: 'Ceph, and every node by a mounted local volume, have to be measured for one',
  expected: (context) => `about ${documentedTerabytes(context)} TB`,
  subjects: (read, context) => {
    const disks = localDisks(read, context)
    const { documented, figures, now } = context
    const raw = read.clusters
      .filter((cluster) => cephStatusIsFresh(cluster, figures, now) === true)
      .flatMap((cluster) => rawBytes(cluster) ?? [])
    return disks.length < documented.nodes.length || raw.length === 0
      ? []
      : [{ terabytes: roundTo(2, raw.reduce((a, b) => a + b, 0) / terabyte + terabytesOf(disks)) }]
  },
  name: () => ({ subject: 'NVMe storage', look: 'get cephcluster -A -o yaml' }),
  holds: ({ terabytes }, context) =>
    isAbout(terabytes, documentedTerabytes(context), context.figures) || `is ${terabytes} TB`,
})

const documentedTerabytes = ({ documented }: Pick<ClusterContext, 'documented'>) =>
  roundTo(2, documented.nodes.length * documented.node.storageTB)
