import semver from 'semver'
import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { daemonSets, deployments, nodes, pods } from '../cluster/kinds/core.ts'
import { serverVersion } from '../cluster/kinds/documents.ts'
import { postgresClusters } from '../cluster/kinds/databases.ts'
import { namespaceOf } from '../platform/platform.ts'
import { imageOf, isAtLeast, isImage, versionOfTag } from './images.ts'
import { linkerdRelease } from './linkerd-release.ts'
import { allContainers, expectedObjects, isRunning, missing, nameOfExpected } from './objects.ts'

export const talosVersion = check({
  claim: 'VER-01',
  fact: 'every node runs the documented Talos version',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: ({ figures }) => `Talos (v${figures.versions.talos.equals})`,
  subjects: (read) => read.nodes,
  holds: ({ status }, { figures }) =>
    status.nodeInfo.osImage === `Talos (v${figures.versions.talos.equals})` || `runs ${status.nodeInfo.osImage}`,
})

export const kubeletVersion = check({
  claim: 'VER-02',
  fact: 'every kubelet has the documented Kubernetes version',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: ({ figures }) => `kubelet v${figures.versions.kubernetes.equals}`,
  subjects: (read) => read.nodes,
  holds: ({ status }, { figures }) =>
    status.nodeInfo.kubeletVersion === `v${figures.versions.kubernetes.equals}` ||
    `has kubelet ${status.nodeInfo.kubeletVersion}`,
})

export const apiServerVersion = check({
  claim: 'VER-02',
  fact: 'the API server has the documented Kubernetes version',
  reads: { version: serverVersion },
  population: 'API servers that answered',
  atLeast: 1,
  expected: ({ figures }) => `v${figures.versions.kubernetes.equals}`,
  subjects: (read) => read.version,
  name: () => ({ subject: 'API server', look: 'get --raw /version' }),
  holds: ({ gitVersion }, { figures }) => gitVersion === `v${figures.versions.kubernetes.equals}` || `is ${gitVersion}`,
})

const controlPlane = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']

export const controlPlaneImages = check({
  claim: 'VER-02',
  fact: 'the control plane runs images of the documented Kubernetes version',
  reads: { pods },
  population: 'control-plane pods',
  atLeast: ({ documented }) => documented.nodes.length * controlPlane.length,
  because: 'three programs run on every node',
  expected: ({ figures }) => `tag v${figures.versions.kubernetes.equals}`,
  subjects: (read) => read.pods.filter(({ metadata }) => controlPlane.includes(metadata.labels['component'] ?? '')),
  holds: ({ spec }, { figures }) => {
    const other = spec.containers.find(({ image }) => imageOf(image).tag !== `v${figures.versions.kubernetes.equals}`)
    return other === undefined || `runs ${other.image}`
  },
})

export const ciliumVersion = check({
  claim: 'VER-03',
  fact: 'Cilium is at least of the documented version',
  reads: { daemonSets, deployments },
  population: 'Cilium workloads',
  atLeast: 2,
  because: 'agent and operator',
  expected: ({ figures }) => `${figures.versions.cilium.atLeast} or newer`,
  subjects: (read, { names }) => {
    const namespace = namespaceOf(names, 'system')
    return [
      ...expectedObjects('DaemonSet', namespace, [names.workloads.cilium.name], read.daemonSets),
      ...expectedObjects('Deployment', namespace, [names.workloads.ciliumOperator.name], read.deployments),
    ]
  },
  name: nameOfExpected,
  holds: ({ found }, { figures }) => {
    if (!found) return missing
    const images = found.spec.template.spec.containers.map(({ image }) => image)
    const own = images.find((image) => /(^|\/)cilium\/(cilium|operator)/.test(imageOf(image).repository))
    return own === undefined ? `runs ${images.join(', ')}` : isAtLeast(own, figures.versions.cilium.atLeast)
  },
})

export const controlPlaneOfLinkerd = check({
  claim: 'VER-04',
  fact: 'the Linkerd control plane is at least of the documented version',
  reads: { deployments: deployments },
  population: 'Linkerd control-plane Deployments',
  atLeast: 3,
  because: 'identity, destination and proxy injector',
  expected: ({ figures }) => `${figures.versions.linkerd.atLeast} or newer`,
  subjects: (read, { names }) => {
    const { linkerdIdentity, linkerdDestination, linkerdProxyInjector } = names.workloads
    const expected = [linkerdIdentity.name, linkerdDestination.name, linkerdProxyInjector.name]
    return expectedObjects('Deployment', namespaceOf(names, 'linkerd'), expected, read.deployments)
  },
  name: nameOfExpected,
  holds: ({ found }, { figures }) => {
    if (!found) return missing
    const own = found.spec.template.spec.containers.find(({ image }) => isImage(image, 'linkerd/controller'))
    if (!own) return 'runs no linkerd/controller image'
    return linkerdRelease.isAtLeast(imageOf(own.image).tag ?? '', figures.versions.linkerd.atLeast)
  },
})

const proxyVersionOf = ({ metadata }: Pod, key: string) => metadata.annotations[key]

export const proxyVersions = check({
  claim: 'VER-04',
  fact: 'every proxy was injected by a Linkerd of at least the documented version',
  reads: { pods },
  population: 'running pods with a proxy',
  atLeast: 4,
  because: 'the control plane and the gateway alone make that many',
  expected: ({ figures }) => `${figures.versions.linkerd.atLeast} or newer`,
  subjects: (read) =>
    read.pods.filter((pod) => isRunning(pod) && allContainers(pod).some(({ name }) => name === 'linkerd-proxy')),
  holds: (pod, { figures, names }) => {
    const version = proxyVersionOf(pod, names.annotations.proxyVersion.key)
    if (version === undefined) return `has no annotation ${names.annotations.proxyVersion.key}`
    return linkerdRelease.isAtLeast(version, figures.versions.linkerd.atLeast)
  },
})

export const postgresVersion = check({
  claim: 'VER-05',
  on: 'infra',
  fact: 'Postgres has the documented major version',
  reads: { clusters: required(postgresClusters) },
  population: 'Postgres clusters',
  atLeast: 1,
  expected: ({ figures }) => `major version ${figures.versions.postgres.equals}`,
  subjects: (read) => read.clusters,
  holds: ({ status }, { figures }) => {
    const major = status.pgDataImageInfo?.majorVersion ?? semver.coerce(imageOf(status.image ?? '').tag)?.major
    return String(major) === String(figures.versions.postgres.equals) || `runs version ${major ?? 'unknown'}`
  },
})

export const pinnedImages = absent({
  claim: 'VER-06',
  fact: 'no container runs an image whose version nobody can tell',
  reads: { pods },
  population: 'containers of running pods',
  atLeast: 20,
  because: 'the control plane of three nodes alone has a dozen',
  expected: 'a tag or digest, and not latest',
  subjects: (read) =>
    read.pods.filter(isRunning).flatMap((pod) => allContainers(pod).map(({ name, image }) => ({ pod, name, image }))),
  name: ({ pod, name }) => ({
    subject: `Pod ${pod.metadata.namespace}/${pod.metadata.name} container ${name}`,
    look: `-n ${pod.metadata.namespace} get pod ${pod.metadata.name} -o yaml`,
  }),
  detector: ({ image }) => {
    const { tag } = imageOf(image)
    if (tag === 'latest') return `runs ${image}`
    return tag === undefined && !image.includes('@sha256:') ? `runs ${image || 'no image'}, without a tag` : undefined
  },
  calibrate: (read) =>
    read.pods.slice(0, 1).flatMap((pod) =>
      ['example.org/calibration', 'example.org/calibration:latest'].map((image) => ({
        pod,
        name: 'calibration',
        image,
      })),
    ),
})

export const supportedTogether = check({
  claim: 'VER-09',
  fact: 'Cilium and Linkerd support the Kubernetes version of the cluster',
  reads: { version: serverVersion, daemonSets, deployments },
  population: 'components with a documented support range',
  atLeast: 2,
  because: 'Cilium and Linkerd',
  expected: 'a release that supports this Kubernetes version',
  subjects: (read, { figures, names }) => {
    const kubernetes = semver.coerce(read.version[0]?.gitVersion)
    if (!kubernetes) return []
    const cilium = read.daemonSets.find(({ metadata }) => metadata.name === names.workloads.cilium.name)
    const linkerd = read.deployments.find(({ metadata }) => metadata.name === names.workloads.linkerdDestination.name)
    const ciliumTag = imageOf(
      cilium?.spec.template.spec.containers.find(({ image }) => isImage(image, 'cilium/cilium'))?.image ?? '',
    ).tag
    const linkerdTag = imageOf(
      linkerd?.spec.template.spec.containers.find(({ image }) => isImage(image, 'linkerd/controller'))?.image ?? '',
    ).tag
    return [
      { component: 'cilium', release: versionOfTag(ciliumTag), ranges: figures.compatibility.cilium, kubernetes },
      {
        component: 'linkerd',
        release: linkerdRelease.versionOf(linkerdTag ?? ''),
        ranges: figures.compatibility.linkerd,
        kubernetes,
      },
    ]
  },
  name: ({ component }) => ({ subject: component, look: 'version' }),
  holds: ({ release, ranges, kubernetes }) => {
    if (release === undefined) return 'tells no version'
    const range = ranges.find(
      ({ release: line }) => `${semver.coerce(release)?.major}.${semver.coerce(release)?.minor}` === line,
    )
    if (!range) return `is ${release}, for which no support range is known`
    return (
      semver.satisfies(kubernetes, range.kubernetes) ||
      `is ${release}, which supports Kubernetes ${range.kubernetes}; this is ${kubernetes.version}`
    )
  },
  disputed: ({ release, ranges }) =>
    ranges.some(({ release: line }) => `${semver.coerce(release)?.major}.${semver.coerce(release)?.minor}` === line),
  compare: (read, { figures }) => [
    {
      name: 'Kubernetes',
      unit: 'version',
      documented: figures.versions.kubernetes.equals,
      observed: read.version[0]?.gitVersion ?? 'unknown',
    },
  ],
})
