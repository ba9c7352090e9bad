import { parse } from 'yaml'
import { z } from 'zod'
import { check } from '../check/check.ts'
import { cephMonitors } from '../cluster/kinds/documents.ts'
import { nodes } from '../cluster/kinds/core.ts'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../cluster/kinds/storage.ts'
import { cephBlockPools, persistentVolumeClaims, persistentVolumes, storageClasses } from '../cluster/kinds/storage.ts'
import type { Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { contains } from './addresses.ts'
import { missing, unlessOneIsEmpty } from './objects.ts'

type ClassKey = 'block' | 'local'

const provisionerOf = (key: ClassKey, names: Names): string =>
  key === 'local' ? 'openebs.io/local' : `${namespaceOf(names, 'rookCeph')}.rbd.csi.ceph.com`

/** A documented class: by its name, else by another name in use, else by what provisions it. */
export function classOf(key: ClassKey, names: Names, classes: readonly StorageClass[]): StorageClass | undefined {
  const { name, alternatives = [] } = names.storageClasses[key]
  const byName = [name, ...alternatives].flatMap((one) => classes.filter(({ metadata }) => metadata.name === one))
  return byName[0] ?? classes.find(({ provisioner }) => provisioner === provisionerOf(key, names))
}

type Classed = { key: ClassKey; name: string; found: StorageClass | undefined }

const documentedClass = (key: ClassKey) => ({
  reads: { classes: storageClasses },
  population: 'documented StorageClasses',
  atLeast: 1,
  name: ({ name }: Classed) => ({ subject: `StorageClass ${name}`, look: `get storageclass ${name} -o yaml` }),
  subjects: ({ classes }: { classes: StorageClass[] }, { names }: { names: Names }): Classed[] => [
    { key, name: names.storageClasses[key].name, found: classOf(key, names, classes) },
  ],
  // The documents of the platform do not agree on the name; everything else about the class has to be right.
  disputed: ({ found, name }: Classed) => found !== undefined && found.metadata.name !== name,
})

const isDocumented = ({ key, name, found }: Classed, names: Names): true | string => {
  if (!found) return missing
  if (found.provisioner !== provisionerOf(key, names)) return `is provisioned by ${found.provisioner}`
  return found.metadata.name === name || `is called ${found.metadata.name}`
}

export const blockClass = check({
  ...documentedClass('block'),
  claim: 'STO-03',
  fact: 'the documented block StorageClass exists and is provisioned by the Ceph of its own cluster',
  expected: ({ names }) => `provisioner ${provisionerOf('block', names)}, clusterID ${namespaceOf(names, 'rookCeph')}`,
  holds: (classed, { names }) => {
    const id = classed.found?.parameters['clusterID']
    const named = isDocumented(classed, names)
    if (classed.found === undefined || id === namespaceOf(names, 'rookCeph')) return named
    return `has the clusterID ${id ?? 'unset'}`
  },
  disputed: (classed, { names }) =>
    documentedClass('block').disputed(classed) &&
    classed.found?.parameters['clusterID'] === namespaceOf(names, 'rookCeph'),
})

export const blockClassHasPool = check({
  ...documentedClass('block'),
  claim: 'STO-03',
  fact: 'the pool of the block StorageClass is ready',
  reads: { classes: storageClasses, pools: cephBlockPools },
  expected: 'a CephBlockPool that is Ready',
  disputed: false,
  holds: ({ found }, { names }, { pools }) => {
    if (!found) return missing
    const { pool } = found.parameters
    const own = pools.find(
      ({ metadata }) => metadata.name === pool && metadata.namespace === namespaceOf(names, 'rookCeph'),
    )
    if (!own) return `has the pool ${pool ?? 'unset'}, which does not exist`
    return own.status.phase === 'Ready' || `has the pool ${pool}, which is ${own.status.phase ?? 'in no phase'}`
  },
})

/** A claim with the volume that it is bound to. */
type Bound = PersistentVolumeClaim & { volume: PersistentVolume | undefined }

const boundOf = (claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[]): Bound[] =>
  claims.map((claim) => ({
    ...claim,
    volume: volumes.find(
      ({ metadata, spec }) =>
        metadata.name === claim.spec.volumeName &&
        spec.claimRef?.name === claim.metadata.name &&
        spec.claimRef.namespace === claim.metadata.namespace,
    ),
  }))

type VolumeLists = { classes: StorageClass[]; claims: PersistentVolumeClaim[]; volumes: PersistentVolume[] }

/** The claims of a documented class, whatever it is called. */
const claimsOfClass =
  (key: ClassKey) =>
  ({ classes, claims, volumes }: VolumeLists, { names }: { names: Names }): Bound[] => {
    const name = classOf(key, names, classes)?.metadata.name
    return boundOf(
      claims.filter(({ spec }) => name !== undefined && spec.storageClassName === name),
      volumes,
    )
  }

const isBound = ({ status, volume }: Bound): true | string => {
  if (status.phase !== 'Bound') return `is ${status.phase === '' ? 'in no phase' : status.phase}`
  return volume !== undefined || 'is bound to a volume that does not exist'
}

const volumeReads = { classes: storageClasses, claims: persistentVolumeClaims, volumes: persistentVolumes }

export const blockVolumes = check({
  claim: 'STO-03',
  fact: 'every claim of the block StorageClass is bound to a volume of Ceph',
  reads: volumeReads,
  population: 'claims of the block class',
  atLeast: 1,
  because: 'what keeps state asks for one',
  expected: 'Bound, to a volume of the Ceph driver',
  subjects: claimsOfClass('block'),
  holds: (claim, { names }) => {
    const bound = isBound(claim)
    if (bound !== true) return bound
    const driver = claim.volume?.spec.csi?.driver
    return driver === provisionerOf('block', names) || `is bound to a volume of ${driver ?? 'no driver'}`
  },
})

const configEntries = z.array(z.object({ name: z.string(), value: z.string().optional() }))

/** Where OpenEBS puts the volumes of a class on a node; undefined when the class does not say, which is OpenEBS's own default. */
export function basePathOf({ metadata }: StorageClass): string | undefined {
  const parsed = configEntries.safeParse(parse(metadata.annotations['cas.openebs.io/config'] ?? '[]'))
  return parsed.success ? parsed.data.find(({ name }) => name === 'BasePath')?.value?.replace(/\/+$/, '') : undefined
}

/** OpenEBS's own default, on the disk of the system. */
const systemPath = '/var/openebs/local'

export const localClass = check({
  ...documentedClass('local'),
  claim: 'STO-04',
  fact: 'the documented local StorageClass exists, waits for its consumer and names a folder on a disk of its own',
  expected: ({ names }) =>
    `provisioner ${provisionerOf('local', names)}, WaitForFirstConsumer, a BasePath other than ${systemPath}`,
  holds: (classed, { names }) => (classed.found && faultOfLocal(classed.found)) ?? isDocumented(classed, names),
  disputed: (classed) =>
    documentedClass('local').disputed(classed) && classed.found !== undefined && !faultOfLocal(classed.found),
})

function faultOfLocal(found: StorageClass): string | undefined {
  if (found.volumeBindingMode !== 'WaitForFirstConsumer') return `binds ${found.volumeBindingMode}`
  const path = basePathOf(found)
  if (path === undefined) return `names no BasePath, so its volumes are in ${systemPath} on the system's disk`
  return path === systemPath ? `has the BasePath ${path} on the system's disk` : undefined
}

const hostnameKey = 'kubernetes.io/hostname'

export const localVolumes = check({
  claim: 'STO-04',
  fact: 'every claim of the local StorageClass is bound to a volume on one node, in the folder of the class',
  reads: { ...volumeReads, nodes },
  population: 'claims of the local class',
  atLeast: 1,
  because: 'caches ask for one',
  expected: 'Bound, to a local volume below BasePath that belongs to one node of the cluster',
  subjects: (read, context) => unlessOneIsEmpty([read.nodes], claimsOfClass('local')(read, context)),
  holds: (claim, { names }, read) => {
    const bound = isBound(claim)
    if (bound !== true) return bound
    const path = claim.volume?.spec.local?.path
    const found = classOf('local', names, read.classes)
    const base = (found && basePathOf(found)) ?? systemPath
    if (path === undefined) return 'is bound to a volume that is not local'
    if (!path.startsWith(`${base}/`)) return `is bound to ${path}, not below ${base}`
    const hosts = (claim.volume?.spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap(({ matchExpressions }) =>
      matchExpressions.flatMap(({ key, values }) => (key === hostnameKey ? values : [])),
    )
    const [host] = hosts
    if (host === undefined || hosts.length > 1) return `is bound to a volume of ${hosts.length} nodes`
    return (
      read.nodes.some(({ metadata }) => metadata.name === host) || `is bound to a volume of ${host}, which is no node`
    )
  },
})

/** Whether a volume is a cache or ephemeral, by a word in its name. */
export const isCache = ({ metadata }: PersistentVolumeClaim, { storage }: Figures): boolean =>
  storage.cacheVolumes.words.some((word) =>
    metadata.name
      .toLowerCase()
      .split(/[^a-z]+/)
      .includes(word),
  )

const applicationNamespaces = (names: Names): string[] =>
  (['gitlab', 'harbor', 'mattermost'] as const).map((key) => namespaceOf(names, key))

/** Volumes that VolSync makes for its own work. */
export const isOfVolSync = ({ metadata }: PersistentVolumeClaim): boolean =>
  metadata.labels['app.kubernetes.io/created-by'] === 'volsync'

const isOfApplication = (claim: PersistentVolumeClaim, names: Names): boolean =>
  applicationNamespaces(names).includes(claim.metadata.namespace ?? '') && !isOfVolSync(claim)

export const stateOnOwnCeph = check({
  claim: 'STO-07',
  on: 'apps',
  fact: "the applications keep their state on volumes of apps' own Ceph",
  reads: volumeReads,
  population: 'volumes of applications that are no cache',
  atLeast: 1,
  because: 'GitLab keeps repositories',
  expected: ({ names }) =>
    `of the class ${names.storageClasses.block.name}, clusterID ${namespaceOf(names, 'rookCeph')}`,
  subjects: ({ classes, claims, volumes }, { names, figures }) =>
    unlessOneIsEmpty(
      [classes],
      boundOf(
        claims.filter((claim) => isOfApplication(claim, names) && !isCache(claim, figures)),
        volumes,
      ),
    ),
  holds: (claim, { names }, { classes }) => {
    const wanted = classOf('block', names, classes)?.metadata.name ?? names.storageClasses.block.name
    if (claim.spec.storageClassName !== wanted) return `is of the class ${claim.spec.storageClassName ?? 'unset'}`
    const bound = isBound(claim)
    if (bound !== true) return bound
    const id = claim.volume?.spec.csi?.volumeAttributes['clusterID']
    return id === namespaceOf(names, 'rookCeph') || `is on the Ceph with the clusterID ${id ?? 'unset'}`
  },
})

/** The monitors in the text of Rook's ConfigMap: `a=10.25.11.14:6789,b=..`. */
export const monitorsOf = (text: string): { name: string; address: string }[] =>
  text
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [name = '', endpoint = ''] = entry.split('=')
      return { name, address: endpoint.replace(/:\d+$/, '').replaceAll(/^\[|\]$/g, '') }
    })

export const monitorsAreOwn = check({
  claim: 'STO-07',
  on: 'apps',
  fact: 'the monitors of the Ceph that apps uses are its own',
  reads: { config: cephMonitors },
  population: 'monitors of Ceph',
  atLeast: 3,
  because: 'two of them have to agree when one is lost',
  expected: 'an address of a node, a Service or a pod of apps',
  subjects: (read, { names }) =>
    read.config.flatMap(({ data }) => monitorsOf(data[names.configMaps.cephMonitors.key] ?? '')),
  name: ({ name }) => ({ subject: `monitor ${name}`, look: 'get configmaps -A' }),
  holds: ({ address }, { documented }) => {
    const own = [
      ...documented.nodes.map((node) => node.address),
      documented.serviceCIDR.value,
      documented.podCIDR.value,
    ]
    if (address === '') return 'has no address'
    return own.some((range) => contains(range, address)) || `is at ${address}`
  },
})

export const cachesAreLocal = check({
  claim: 'STO-08',
  on: 'apps',
  fact: 'cache and ephemeral volumes of apps are local ones',
  reads: { classes: storageClasses, claims: persistentVolumeClaims },
  population: 'cache and ephemeral volumes',
  atLeast: 1,
  because: 'line 114 speaks of some',
  expected: ({ names }) => `of the class ${names.storageClasses.local.name}`,
  subjects: ({ classes, claims }, { figures }) =>
    unlessOneIsEmpty(
      [classes],
      claims.filter((claim) => isCache(claim, figures)),
    ),
  holds: ({ spec }, { names }, { classes }) => {
    const wanted = classOf('local', names, classes)?.metadata.name ?? names.storageClasses.local.name
    return spec.storageClassName === wanted || `is of the class ${spec.storageClassName ?? 'unset'}`
  },
})
