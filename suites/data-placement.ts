import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { optional } from '../check/source.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { namespaces, pods, services } from '../cluster/kinds/core.ts'
import { postgresClusters } from '../cluster/kinds/databases.ts'
import { gitlabConfig } from '../cluster/kinds/documents.ts'
import type { PersistentVolumeClaim } from '../cluster/kinds/storage.ts'
import { persistentVolumeClaims } from '../cluster/kinds/storage.ts'
import type { ClusterName, Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { isImage } from './images.ts'
import { allContainers, isRunning, located, nameOfLocated } from './objects.ts'
import { isCache, isOfVolSync } from './storage-volumes.ts'

export const postgresOnInfraOnly = check({
  claim: 'DATA-01',
  on: 'across',
  fact: 'every cluster of Postgres is on infra',
  reads: { clusters: optional(postgresClusters) },
  population: 'clusters of Postgres',
  atLeast: 1,
  because: 'infra has one',
  expected: 'on infra',
  subjects: ({ infra, apps }) => [...located('infra', infra.clusters), ...located('apps', apps.clusters)],
  name: nameOfLocated,
  holds: ({ cluster }) => cluster === 'infra' || `is on ${cluster}`,
})

/** What shows that a pod is a database; undefined when nothing does. Ports that a container offers count for one that is renamed. */
function databaseIn(pod: Pod, { databaseEngines }: Figures): string | undefined {
  for (const { name, image, ports } of allContainers(pod)) {
    if (databaseEngines.images.some((known) => isImage(image, known))) return `runs ${image}`
    const port = ports.find(({ containerPort }) => databaseEngines.ports.includes(containerPort))
    if (port) return `offers port ${port.containerPort} of databases in its container ${name}`
  }
  return undefined
}

export const noDatabaseOnApps = absent({
  claim: 'DATA-01',
  on: 'across',
  fact: 'no pod of apps is a database or a cache',
  reads: { pods },
  population: 'running pods of apps',
  atLeast: 20,
  because: 'the control plane of three nodes alone has a dozen',
  expected: 'neither the image nor a port of a database',
  subjects: ({ apps }) => located('apps', apps.pods.filter(isRunning)),
  name: nameOfLocated,
  detector: ({ object }, { figures }) => databaseIn(object, figures),
  // The databases of infra: each by its image, and again under an image that nobody knows, by its port.
  calibrate: ({ infra }, { names, figures }) => {
    const databases = infra.pods.filter(
      (pod) =>
        pod.metadata.namespace === namespaceOf(names, 'postgres') && databaseIn(pod, figures)?.startsWith('runs '),
    )
    return located('infra', [...databases, ...databases.slice(0, 1).map(underAnotherImage)])
  },
})

const underAnotherImage = (pod: Pod): Pod => ({
  ...pod,
  spec: {
    ...pod.spec,
    initContainers: [],
    containers: pod.spec.containers.map((one) => ({ ...one, image: 'calibration' })),
  },
})

type Host = { what: string; key: 'gitlabDatabase' | 'gitlabCache'; mirror: 'postgres' | 'dragonfly'; hosts: string[] }

/**
 * The hosts that a configuration of GitLab names: `host: "postgres-rw-infra.databases.svc"` in the one of the database,
 * `url: redis://:<%= .. %>@dragonfly-infra.databases.svc:6379` in the one of the cache. It is a template, no YAML.
 */
export function hostsIn(text: string): string[] {
  const plain = [...text.matchAll(/^\s*host:\s*["']?([A-Za-z0-9.-]+)["']?\s*$/gm)].map(([, host = '']) => host)
  const urls = [...text.matchAll(/rediss?:\/\/(?:[^\n]*@)?([A-Za-z0-9.-]+)(?::\d+)?/g)].map(([, host = '']) => host)
  return [...new Set([...plain, ...urls])]
}

/** Whether a host is a Service by one of its names inside the cluster. */
const isServiceName = (host: string, name: string, namespace: string, { network }: Names): boolean =>
  [
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    `${name}.${namespace}.svc.${network.clusterDomain.name}`,
  ].includes(host.replace(/\.$/, ''))

export const gitlabUsesMirrors = check({
  claim: 'DATA-07',
  on: 'across',
  fact: 'GitLab is told to use database and cache of infra by their mirrored Services',
  reads: { config: gitlabConfig, services },
  population: 'data services that GitLab is configured for',
  atLeast: 2,
  because: 'database and cache',
  expected: 'the mirrored Service, which exists on apps, and no other host',
  subjects: ({ apps }, { names }): Host[] =>
    apps.config.flatMap(({ data }) =>
      (
        [
          { what: 'the database of GitLab', key: 'gitlabDatabase', mirror: 'postgres' },
          { what: 'the cache of GitLab', key: 'gitlabCache', mirror: 'dragonfly' },
        ] as const
      ).map((one) => ({ ...one, hosts: hostsIn(data[names.configMaps[one.key].key] ?? '') })),
    ),
  name: ({ what, key }) => ({
    subject: what,
    cluster: 'apps' as const,
    look: `-n gitlab get configmap gitlab-webservice -o yaml # ${key}`,
  }),
  holds: ({ hosts, mirror }, { names }, { apps }) => {
    const { name, namespace: key } = names.mirroredServices[mirror]
    const namespace = namespaceOf(names, key)
    if (hosts.length === 0) return 'is at no host that the configuration names'
    const other = hosts.find((host) => !isServiceName(host, name, namespace, names))
    if (other !== undefined) return `is at ${other}`
    const service = apps.services.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
    return service?.metadata.labels[names.labels.mirroredFrom.key] === names.labels.mirroredFrom.value
      ? true
      : `is at ${name}, which is not mirrored from infra`
  },
})

export const gitlabIsMeshed = check({
  claim: 'DATA-07',
  on: 'across',
  fact: 'every pod of GitLab has the proxy that its way to infra takes',
  reads: { pods },
  population: 'running pods of GitLab',
  atLeast: 1,
  expected: 'a ready container linkerd-proxy',
  subjects: ({ apps }, { figures }) => {
    const images = figures.components.find(({ id }) => id === 'gitlab')?.images ?? []
    return located(
      'apps',
      apps.pods.filter(
        (pod) =>
          isRunning(pod) && allContainers(pod).some(({ image }) => images.some((known) => isImage(image, known))),
      ),
    )
  },
  name: nameOfLocated,
  holds: ({ object: { spec, status } }) => {
    const isProxy = ({ name }: { name: string }) => name === 'linkerd-proxy'
    if (![...spec.initContainers, ...spec.containers].some(isProxy)) return 'has no proxy'
    const own = [...status.initContainerStatuses, ...status.containerStatuses].find(isProxy)
    return own?.ready === true || 'has a proxy that is not ready'
  },
})

type Kept = {
  cluster: ClusterName
  object: { kind: string; metadata: { name: string } }
  claims: PersistentVolumeClaim[]
}

const statefulIn = ({ claims }: Kept, figures: Figures) =>
  claims.filter((claim) => !isCache(claim, figures) && !isOfVolSync(claim))

export const noStateOnApps = absent({
  claim: 'DATA-08',
  on: 'across',
  fact: 'no namespace of apps has a volume with state',
  reads: { namespaces, claims: persistentVolumeClaims },
  population: 'namespaces of apps',
  atLeast: 4,
  because: 'Kubernetes itself makes four',
  expected: 'volumes of caches at most',
  subjects: ({ apps }): Kept[] => inNamespaces('apps', apps.namespaces, apps.claims),
  name: nameOfLocated,
  detector: (kept, { figures }) => {
    const stateful = statefulIn(kept, figures)
    return stateful.length === 0 ? undefined : `keeps ${stateful.map(({ metadata }) => metadata.name).join(', ')}`
  },
  calibrate: ({ infra }, { names }) =>
    inNamespaces('infra', infra.namespaces, infra.claims).filter(
      ({ object }) => object.metadata.name === namespaceOf(names, 'postgres'),
    ),
  // Line 113 gives apps a Ceph of its own for state, line 110 has all state on infra.
  disputed: (kept, { names, figures }) =>
    statefulIn(kept, figures).every(({ spec }) =>
      [names.storageClasses.block.name, ...(names.storageClasses.block.alternatives ?? [])].includes(
        spec.storageClassName ?? '',
      ),
    ),
})

const inNamespaces = (
  cluster: ClusterName,
  all: readonly Kept['object'][],
  claims: readonly PersistentVolumeClaim[],
): Kept[] =>
  located(cluster, all).map((one) => ({
    ...one,
    claims: claims.filter(({ metadata }) => metadata.namespace === one.object.metadata.name),
  }))
