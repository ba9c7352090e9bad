import { Address4 } from 'ip-address'
import { check } from '../check/check.ts'
import { optional, required } from '../check/source.ts'
import type { BackupLocation, ReplicationSource } from '../cluster/kinds/backups.ts'
import { backupLocations, replicationSources } from '../cluster/kinds/backups.ts'
import type { PostgresCluster, PostgresObjectStore } from '../cluster/kinds/databases.ts'
import { postgresClusters, postgresObjectStores } from '../cluster/kinds/databases.ts'
import type { KubernetesObject } from '../cluster/kinds/object.ts'
import type { Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { contains } from './addresses.ts'
import { ageMs, inWords, secondMs } from './ages.ts'

export const backupLocationsAvailable = check({
  claim: 'DR-04',
  fact: 'every place of Velero for backups is available, by a validation that is fresh',
  reads: { locations: required(backupLocations) },
  population: 'BackupStorageLocations',
  atLeast: 1,
  expected: ({ figures }) =>
    `Available and ReadWrite, validated within ${figures.storage.backupLocationStatus.maxSeconds} s`,
  subjects: (read) => read.locations,
  holds: ({ spec, status }, { figures, now }) => {
    if (status.phase !== 'Available') return `is ${status.phase ?? 'not validated'}`
    if (spec.accessMode !== 'ReadWrite') return `is ${spec.accessMode}`
    const age = ageMs(status.lastValidationTime, now)
    if (age === undefined) return 'does not say when it was validated'
    return age <= figures.storage.backupLocationStatus.maxSeconds * secondMs || `was validated last ${inWords(age)} ago`
  },
})

/** An endpoint that backups are written to, with the object that names it. */
type Target = KubernetesObject & { endpoint: string | undefined }

/** Where CloudNativePG writes backups to: by its own means, or through objects of the plugin that its clusters name. */
export function postgresTargets(
  clusters: readonly PostgresCluster[],
  stores: readonly PostgresObjectStore[],
): Target[] {
  return clusters.flatMap((cluster): Target[] => {
    const own = cluster.spec.backup.barmanObjectStore
    const named = cluster.spec.plugins.flatMap(({ parameters }) => parameters['barmanObjectName'] ?? [])
    return [
      ...(own ? [{ kind: cluster.kind, metadata: cluster.metadata, endpoint: own.endpointURL }] : []),
      ...named.map((name) => {
        const store = stores.find(
          ({ metadata }) => metadata.name === name && metadata.namespace === cluster.metadata.namespace,
        )
        return store
          ? { kind: store.kind, metadata: store.metadata, endpoint: store.spec.configuration.endpointURL }
          : { kind: cluster.kind, metadata: cluster.metadata, endpoint: undefined }
      }),
    ]
  })
}

/** Host and port of a URL, the port also where the scheme implies it; undefined when it is none. */
function hostOf(url: string | undefined): { host: string; port: string } | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const { hostname, port, protocol } = new URL(url)
  return { host: hostname, port: port === '' ? (protocol === 'https:' ? '443' : '80') : port }
}

const nasOf = ({ services }: Names): string[] => {
  const { name, port, alternatives = [] } = services.backupObjectStore
  return [`${name}:${port}`, ...alternatives]
}

/** Why an endpoint is inside a cluster; undefined when nothing says so. */
function insideOf(host: string, { clusters }: Figures, { network }: Names): string | undefined {
  const domain = `.${network.clusterDomain.name}`
  if (!host.includes('.') || host.endsWith('.svc') || host.endsWith(domain)) return 'a Service of the cluster itself'
  if (!Address4.isValid(host)) return undefined
  for (const { name, podCIDR, serviceCIDR, nodes, loadBalancerPool } of Object.values(clusters)) {
    const ranges = [
      podCIDR.value,
      serviceCIDR.value,
      `${loadBalancerPool.start}-${loadBalancerPool.stop}`,
      ...nodes.map(({ address }) => address),
    ]
    if (ranges.some((range) => contains(range, host))) return `an address of ${name}`
  }
  return undefined
}

/** `true`, or where an endpoint leads to instead of the documented store outside both clusters. */
export function isOutside(endpoint: string | undefined, figures: Figures, names: Names): true | string {
  const found = hostOf(endpoint)
  if (!found) return endpoint === undefined ? 'names no endpoint' : `names ${endpoint}, which is no URL`
  const inside = insideOf(found.host, figures, names)
  if (inside !== undefined) return `writes to ${found.host}, ${inside}`
  return nasOf(names).includes(`${found.host}:${found.port}`) || `writes to ${found.host}:${found.port}`
}

/** Whether an endpoint is MinIO by one of its documented names: the one outside both clusters, or the one on infra. */
export function isStore(endpoint: string | undefined, names: Names): boolean {
  const found = hostOf(endpoint)
  if (!found) return false
  const { name, port } = names.services.minio
  const inside = `${name}.${namespaceOf(names, 'minio')}`
  return (
    nasOf(names).includes(`${found.host}:${found.port}`) ||
    (found.port === String(port) &&
      [inside, `${inside}.svc`, `${inside}.svc.${names.network.clusterDomain.name}`].includes(found.host))
  )
}

export const backupsLeaveTheClusters = check({
  claim: 'DR-04',
  fact: 'Velero and CloudNativePG write their backups to MinIO on the NAS, outside both clusters',
  reads: {
    locations: required(backupLocations),
    clusters: optional(postgresClusters),
    stores: optional(postgresObjectStores),
  },
  population: 'targets of backups',
  atLeast: 1,
  because: 'Velero has one on each cluster',
  expected: ({ names }) => `one of ${nasOf(names).join(', ')}`,
  subjects: ({ locations, clusters, stores }): Target[] =>
    // Without Velero the backups of Postgres alone would speak for all.
    locations.length === 0
      ? []
      : [
          ...locations.map(({ kind, metadata, spec }) => ({ kind, metadata, endpoint: spec.config['s3Url'] })),
          ...postgresTargets(clusters, stores),
        ],
  holds: ({ endpoint }, { figures, names }) => isOutside(endpoint, figures, names),
})

/** A tool that writes backups: how it encrypts them, and whether the document's dispute speaks of it. */
type Writer = KubernetesObject & { encryption: string; known: boolean }

const movers = ['restic', 'rclone', 'rsync', 'rsyncTLS', 'syncthing'] as const

function volumeWriter({ kind, metadata, spec }: ReplicationSource): Writer {
  const mover = movers.find((one) => spec[one] !== undefined)
  return mover === 'restic'
    ? { kind, metadata, encryption: 'encrypts by the means of restic', known: true }
    : { kind, metadata, encryption: `copies by ${mover ?? 'no known mover'}, as it is`, known: false }
}

const serverSide = ['customerKeyEncryptionFile', 'customerKeyEncryptionSecret', 'kmsKeyId', 'serverSideEncryption']

function clusterWriter({ kind, metadata, spec }: BackupLocation): Writer {
  const setting = serverSide.find((key) => (spec.config[key] ?? '') !== '')
  const encryption = setting === undefined ? 'encrypts nothing' : `leaves encryption to the store (${setting})`
  return { kind, metadata, encryption, known: spec.provider === 'aws' || spec.provider === 'velero.io/aws' }
}

function postgresWriter({ kind, metadata, spec }: PostgresCluster): Writer[] {
  const store = spec.backup.barmanObjectStore
  if (!store && spec.plugins.length === 0) return []
  const algorithm = store?.data?.encryption
  const encryption = algorithm === undefined ? 'encrypts nothing' : `leaves encryption to the store (${algorithm})`
  return [{ kind, metadata, encryption, known: true }]
}

/** Nothing that writes backups knows Age, so this never conforms: it says what is there instead. */
export const backupsAreEncryptedWithAge = (claim: string) =>
  check({
    claim,
    fact: 'everything that writes backups encrypts them with Age',
    reads: { sources: replicationSources, locations: backupLocations, clusters: optional(postgresClusters) },
    population: 'writers of backups',
    atLeast: 2,
    because: 'VolSync and Velero write on each cluster',
    expected: 'Age',
    subjects: ({ sources, locations, clusters }): Writer[] =>
      sources.length === 0 || locations.length === 0
        ? []
        : [...sources.map(volumeWriter), ...locations.map(clusterWriter), ...clusters.flatMap(postgresWriter)],
    holds: ({ encryption }) => encryption,
    disputed: ({ known }) => known,
  })

export const ageEncryption = backupsAreEncryptedWithAge('DR-05')
