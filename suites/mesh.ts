import { X509Certificate } from 'node:crypto'
import parseDuration from 'parse-duration'
import { parse as parseYAML } from 'yaml'
import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { deployments, mutatingWebhooks, namespaces, pods, services } from '../cluster/kinds/core.ts'
import {
  linkCredentials,
  linkCredentialsForDestination,
  linkerdConfig,
  trustRoots,
} from '../cluster/kinds/documents.ts'
import { links } from '../cluster/kinds/platform.ts'
import type { ClusterName, Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { contains } from './addresses.ts'
import {
  allContainers,
  conditionIs,
  expectedObjects,
  isRunning,
  located,
  missing,
  nameOfExpected,
  nameOfLocated,
  workloadHealth,
} from './objects.ts'

const proxyName = 'linkerd-proxy'

const controlPlaneNames = ({ workloads }: Names) => [
  workloads.linkerdIdentity.name,
  workloads.linkerdDestination.name,
  workloads.linkerdProxyInjector.name,
]

export const controlPlaneAvailable = check({
  claim: 'MESH-01',
  fact: 'the Linkerd control plane is available',
  reads: { deployments },
  population: 'control-plane Deployments',
  atLeast: 3,
  because: 'identity, destination and proxy injector',
  expected: 'rolled out and available',
  subjects: (read, { names }) =>
    expectedObjects('Deployment', namespaceOf(names, 'linkerd'), controlPlaneNames(names), read.deployments),
  name: nameOfExpected,
  holds: ({ found }) => (found ? workloadHealth(found) : missing),
})

export const injectorRegistered = check({
  claim: 'MESH-01',
  fact: 'the API server calls the proxy injector',
  reads: { webhooks: mutatingWebhooks },
  population: 'webhook configurations of the injector',
  atLeast: 1,
  expected: 'a webhook with a CA bundle that points at the injector Service',
  subjects: (read) =>
    expectedObjects(
      'MutatingWebhookConfiguration',
      undefined,
      ['linkerd-proxy-injector-webhook-config'],
      read.webhooks,
    ),
  name: nameOfExpected,
  holds: ({ found }, { names }) => {
    if (!found) return missing
    const [webhook] = found.webhooks
    if (!webhook) return 'holds no webhook'
    if (!webhook.clientConfig.caBundle) return 'has no CA bundle'
    const { service } = webhook.clientConfig
    const wanted = `${namespaceOf(names, 'linkerd')}/${names.workloads.linkerdProxyInjector.name}`
    return (
      `${service?.namespace}/${service?.name}` === wanted ||
      `calls ${service ? `${service.namespace}/${service.name}` : 'no Service'}`
    )
  },
})

/** Why Linkerd cannot or need not mesh a pod; undefined when it has to be meshed. */
export function exemptionOf({ metadata, spec }: Pod, { mesh }: Figures): string | undefined {
  if (spec.hostNetwork) return 'uses the network of its node'
  const exception = mesh.exceptions.find(({ namespace }) => namespace === metadata.namespace)
  return exception?.reason
}

const hasProxy = (pod: Pod) => allContainers(pod).some(({ name }) => name === proxyName)

const proxyIsReady = ({ status }: Pod) =>
  [...status.initContainerStatuses, ...status.containerStatuses].some(({ name, ready }) => name === proxyName && ready)

export const everyPodMeshed = check({
  claim: 'MESH-02',
  fact: 'every running pod has a ready proxy',
  reads: { pods },
  population: 'running pods',
  atLeast: 20,
  because: 'the control plane of three nodes alone has a dozen',
  expected: `a ready container ${proxyName}`,
  subjects: (read) => read.pods.filter(isRunning),
  holds: (pod, { figures }) => {
    if (!hasProxy(pod))
      return `has no proxy${exemptionOf(pod, figures) === undefined ? '' : `: ${exemptionOf(pod, figures)}`}`
    return proxyIsReady(pod) || 'has a proxy that is not ready'
  },
  disputed: (pod, { figures }) => !hasProxy(pod) && exemptionOf(pod, figures) !== undefined,
  compare: (read) => {
    const running = read.pods.filter(isRunning)
    return [
      {
        name: 'running pods with a proxy',
        unit: 'pods',
        documented: running.length,
        observed: running.filter(hasProxy).length,
      },
    ]
  },
})

type Meshing = { kind: string; metadata: Pod['metadata'] }
const isMeshed = ({ metadata }: Meshing, { annotations }: Names) =>
  ['enabled', 'ingress'].includes(metadata.annotations[annotations.inject.key] ?? '')

export const podsOfMeshedNamespaces = check({
  claim: 'MESH-03',
  fact: 'every pod of a meshed namespace got a proxy from the injector',
  reads: { pods, namespaces },
  population: 'running pods of meshed namespaces',
  atLeast: 3,
  because: 'a meshed namespace without a few pods shows nothing',
  expected: `a container ${proxyName}, made by the injector`,
  subjects: (read, { names }) => {
    const meshed = read.namespaces
      .filter((namespace) => isMeshed(namespace, names))
      .map(({ metadata }) => metadata.name)
    return read.pods.filter(
      (pod) => isRunning(pod) && !pod.spec.hostNetwork && meshed.includes(pod.metadata.namespace ?? ''),
    )
  },
  holds: (pod) => {
    if (!hasProxy(pod)) return 'has no proxy'
    const by = pod.metadata.annotations['linkerd.io/created-by'] ?? ''
    return (
      by.startsWith('linkerd/proxy-injector') ||
      `has a proxy that the injector did not make (${by || 'no linkerd.io/created-by'})`
    )
  },
})

const optOuts = (names: Names) => names.annotations.skipPorts.keys

export const noOptOut = absent({
  claim: 'MESH-03',
  fact: 'no workload of a meshed namespace opts out of the mesh, as a whole or for some ports',
  reads: { pods, namespaces },
  population: 'running pods of meshed namespaces',
  atLeast: 3,
  because: 'a meshed namespace without a few pods shows nothing',
  expected: 'neither linkerd.io/inject: disabled nor skipped ports',
  subjects: (read, { names }) => {
    const meshed = read.namespaces
      .filter((namespace) => isMeshed(namespace, names))
      .map(({ metadata }) => metadata.name)
    return read.pods.filter((pod) => isRunning(pod) && meshed.includes(pod.metadata.namespace ?? ''))
  },
  detector: ({ metadata }, { names }) => {
    if (metadata.annotations[names.annotations.inject.key] === 'disabled')
      return 'opts out with linkerd.io/inject: disabled'
    const skipped = optOuts(names).find((key) => metadata.annotations[key] !== undefined)
    return skipped === undefined ? undefined : `bypasses its proxy with ${skipped}: ${metadata.annotations[skipped]}`
  },
  calibrate: (read, { names }) =>
    read.pods.slice(0, 1).flatMap((pod) =>
      [{ [names.annotations.inject.key]: 'disabled' }, ...optOuts(names).map((key) => ({ [key]: '5432' }))].map(
        (annotations) => ({
          ...pod,
          metadata: { ...pod.metadata, annotations },
        }),
      ),
    ),
})

export const applicationNamespacesMeshed = check({
  claim: 'MESH-04',
  on: 'apps',
  fact: 'the namespaces of GitLab, Harbor and Mattermost are meshed, and so are all their pods',
  reads: { namespaces, pods },
  population: 'application namespaces',
  atLeast: 3,
  expected: 'annotation linkerd.io/inject: enabled, a proxy in every pod',
  subjects: (read, { names }) =>
    expectedObjects(
      'Namespace',
      undefined,
      (['gitlab', 'harbor', 'mattermost'] as const).map((key) => namespaceOf(names, key)),
      read.namespaces,
    ),
  name: nameOfExpected,
  holds: ({ found }, { names }, read) => {
    if (!found) return missing
    const key = names.annotations.inject.key
    if (!isMeshed(found, names))
      return found.metadata.labels[key] ? `has ${key} as a label, which the injector does not read` : 'is not annotated'
    const own = read.pods.filter((pod) => isRunning(pod) && pod.metadata.namespace === found.metadata.name)
    const bare = own.filter((pod) => !hasProxy(pod))
    if (own.length === 0) return 'has no running pod'
    return bare.length === 0 || `has pods without a proxy: ${bare.map(({ metadata }) => metadata.name).join(', ')}`
  },
})

const hoursOf = (duration: string): number | null => parseDuration(duration, 'h')

export const leafLifetimeConfigured = check({
  claim: 'MESH-05',
  fact: 'Linkerd issues proxy certificates of the documented lifetime',
  reads: { config: linkerdConfig },
  population: 'Linkerd configurations',
  atLeast: 1,
  expected: ({ figures }) => `issuanceLifetime ${figures.mesh.leafLifetime.hours} h`,
  subjects: (read) => read.config,
  holds: ({ data }, { figures }) => {
    const values: unknown = parseYAML(data['values'] ?? '')
    const lifetime = (values as { identity?: { issuer?: { issuanceLifetime?: string } } } | null)?.identity?.issuer
      ?.issuanceLifetime
    if (lifetime === undefined) return 'sets no issuanceLifetime'
    return hoursOf(lifetime) === figures.mesh.leafLifetime.hours || `has issuanceLifetime ${lifetime}`
  },
})

export const leafLifetimeRunning = check({
  claim: 'MESH-05',
  fact: 'the identity controller runs with the documented lifetime',
  reads: { pods },
  population: 'identity containers',
  atLeast: 1,
  expected: ({ figures }) => `-identity-issuance-lifetime of ${figures.mesh.leafLifetime.hours} h`,
  subjects: (read, { names }) =>
    read.pods.filter(
      (pod) =>
        isRunning(pod) &&
        pod.metadata.namespace === namespaceOf(names, 'linkerd') &&
        pod.spec.containers.some(({ name }) => name === 'identity'),
    ),
  holds: ({ spec }, { figures }) => {
    const words = spec.containers
      .filter(({ name }) => name === 'identity')
      .flatMap(({ command, args }) => [...command, ...args])
    const flag = words.find((word) => /^-+identity-issuance-lifetime=/.test(word))
    if (flag === undefined) return 'runs without -identity-issuance-lifetime'
    return hoursOf(flag.split('=')[1] ?? '') === figures.mesh.leafLifetime.hours || `runs with ${flag}`
  },
})

const fingerprints = (pem: string): string[] =>
  pem
    .split(/(?=-----BEGIN CERTIFICATE-----)/)
    .filter((part) => part.includes('BEGIN CERTIFICATE'))
    .map((part) => new X509Certificate(part).fingerprint256)
    .toSorted()

export const sharedTrustAnchor = check({
  claim: 'MESH-06',
  on: 'across',
  fact: 'both clusters trust the same anchors',
  reads: { roots: trustRoots },
  population: 'pairs of trust bundles',
  atLeast: 1,
  expected: 'the same certificates on both sides',
  subjects: ({ infra, apps }) => infra.roots.flatMap((one) => apps.roots.map((other) => ({ one, other }))),
  name: ({ other }) => ({ ...nameOfLocated({ cluster: 'apps', object: other }) }),
  // The text of a bundle is not stable over clusters and versions; the certificates in it are.
  holds: ({ one, other }) => {
    const [infra, apps] = [one, other].map(({ data }) => fingerprints(data['ca-bundle.crt'] ?? ''))
    if (!infra?.length || !apps?.length) return 'holds no certificate on one of the sides'
    const short = (all: string[]) => all.map((fingerprint) => fingerprint.slice(0, 23)).join(', ')
    return infra.join() === apps.join() || `trusts ${short(apps)}, infra trusts ${short(infra)}`
  },
  disputed: false,
})

export const gatewayAvailable = check({
  claim: 'MESH-07',
  fact: 'the Linkerd gateway is available',
  reads: { deployments },
  population: 'gateway Deployments',
  atLeast: 1,
  expected: 'rolled out and available',
  subjects: (read, { names }) =>
    expectedObjects(
      'Deployment',
      namespaceOf(names, 'linkerdMulticluster'),
      [names.workloads.linkerdGateway.name],
      read.deployments,
    ),
  name: nameOfExpected,
  holds: ({ found }) => (found ? workloadHealth(found) : missing),
})

const gatewayPorts = [
  ['mc-gateway', 4143],
  ['mc-probe', 4191],
] as const

export const gatewayService = check({
  claim: 'MESH-07',
  fact: 'the gateway is published on its two ports at an address of the pool',
  reads: { services },
  population: 'gateway Services',
  atLeast: 1,
  expected: 'LoadBalancer, ports mc-gateway 4143 and mc-probe 4191, an address of the pool',
  subjects: (read, { names }) =>
    expectedObjects(
      'Service',
      namespaceOf(names, 'linkerdMulticluster'),
      [names.services.linkerdGateway.name],
      read.services,
    ),
  name: nameOfExpected,
  holds: ({ found }, { documented }) => {
    if (!found) return missing
    if (found.spec.type !== 'LoadBalancer') return `is of type ${found.spec.type}`
    for (const [name, port] of gatewayPorts) {
      const actual = found.spec.ports.find((candidate) => candidate.name === name)?.port
      if (actual !== port) return `has ${name} at ${actual ?? 'no port'}`
    }
    const addresses = found.status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? [])
    const { start, stop } = documented.loadBalancerPool
    if (addresses.length === 0) return 'has no address'
    return addresses.every((ip) => contains(`${start}-${stop}`, ip)) || `is at ${addresses.join(', ')}`
  },
})

export const linkToInfra = check({
  claim: 'MESH-08',
  on: 'across',
  fact: 'apps is linked to the gateway of infra, and its mirror controller and credentials are there',
  reads: {
    links: required(links),
    deployments,
    services,
    credentials: linkCredentials,
    destination: linkCredentialsForDestination,
  },
  population: 'parts of the link',
  atLeast: 4,
  because: 'Link, mirror controller and two copies of the credentials',
  expected: 'Link to the address of the infra gateway, an available mirror controller, both Secrets',
  subjects: ({ infra, apps }, { names }) => {
    const namespace = namespaceOf(names, 'linkerdMulticluster')
    const [link] = expectedObjects('Link', namespace, [names.mirroring.link.name], apps.links)
    const controllers = [names.mirroring.controller.name, ...(names.mirroring.controller.alternatives ?? [])]
    const controller = apps.deployments.find(
      (object) => object.metadata.namespace === namespace && controllers.includes(object.metadata.name),
    )
    const gateway = infra.services.find(
      (object) =>
        object.metadata.namespace === namespace && object.metadata.name === names.services.linkerdGateway.name,
    )
    const secret = (where: string, found: boolean) => ({
      subject: `Secret ${where}/${names.secrets.linkCredentials.name}`,
      look: `-n ${where} get secret ${names.secrets.linkCredentials.name}`,
      holds: found || missing,
    })
    return [
      {
        subject: `Link ${namespace}/${names.mirroring.link.name}`,
        look: `-n ${namespace} get link ${names.mirroring.link.name} -o yaml`,
        holds: linkHolds(link?.found, gateway, names),
      },
      {
        subject: `Deployment ${namespace}/${controller?.metadata.name ?? controllers[0]}`,
        look: `-n ${namespace} get deployments`,
        holds: controller ? workloadHealth(controller) : missing,
      },
      secret(namespace, apps.credentials.length > 0),
      secret(namespaceOf(names, 'linkerd'), apps.destination.length > 0),
    ]
  },
  name: ({ subject, look }) => ({ subject, look, cluster: 'apps' }),
  holds: ({ holds }) => holds,
})

type Linking = {
  spec: {
    gatewayAddress: string
    gatewayPort?: string | undefined
    gatewayIdentity?: string | undefined
    targetClusterName: string
  }
}
type Gateway = {
  spec: { ports: { name?: string | undefined; port: number }[] }
  status: { loadBalancer: { ingress: { ip?: string | undefined }[] } }
}

function linkHolds(link: Linking | undefined, gateway: Gateway | undefined, { mirroring }: Names): true | string {
  if (!link) return missing
  const { targetClusterName, gatewayIdentity, gatewayPort } = link.spec
  if (targetClusterName !== mirroring.link.name) return `goes to the cluster ${targetClusterName}`
  if (gatewayIdentity !== mirroring.gatewayIdentity.name)
    return `expects the identity ${gatewayIdentity ?? 'of nobody'}`
  const port = gateway?.spec.ports.find(({ name }) => name === 'mc-gateway')?.port
  if (gatewayPort !== String(port))
    return `goes to port ${gatewayPort ?? 'unset'}, the gateway of infra listens on ${port ?? 'none'}`
  const actual = gateway?.status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? []) ?? []
  const configured = link.spec.gatewayAddress.split(',').map((address) => address.trim())
  return (
    configured.every((address) => actual.includes(address)) ||
    `goes to ${configured.join(', ')}, the gateway of infra is at ${actual.join(', ') || 'no address'}`
  )
}

type Labelled = { metadata: { labels: Record<string, string> } }

const isExport = ({ metadata }: Labelled, { labels }: Names) =>
  metadata.labels[labels.exported.key] === labels.exported.value

/** A copy of an exported Service. The probe of the gateway comes from the other cluster too and is none. */
const isMirror = ({ metadata }: Labelled, { labels: { mirrored, mirroredFrom } }: Names) =>
  metadata.labels[mirrored.key] === mirrored.value && metadata.labels[mirroredFrom.key] === mirroredFrom.value

export const exportsMirrored = check({
  claim: 'MESH-08',
  on: 'across',
  fact: 'the link reports every exported service as mirrored',
  reads: { links: required(links), services },
  population: 'Services that infra exports',
  atLeast: 1,
  because: 'a link over which nothing is exported shows nothing',
  expected: 'condition Mirrored True in the status of the Link',
  subjects: ({ infra }, { names }) =>
    located(
      'infra',
      infra.services.filter((service) => isExport(service, names)),
    ),
  name: nameOfLocated,
  holds: ({ object }, { names }, { apps }) => {
    const link = apps.links.find(({ metadata }) => metadata.name === names.mirroring.link.name)
    const entry = link?.status.mirrorServices.find(
      ({ remoteRef }) => remoteRef.name === object.metadata.name && remoteRef.namespace === object.metadata.namespace,
    )
    if (!entry) return 'is not in the status of the Link'
    return conditionIs({ metadata: {}, status: { conditions: entry.conditions } }, 'Mirrored')
  },
})

export const mirrorsOneToOne = check({
  claim: 'MESH-09',
  on: 'across',
  fact: 'exported Services of infra and mirrored Services of apps match one to one',
  reads: { services },
  population: 'exported and mirrored Services',
  atLeast: 2,
  because: 'one export and its mirror are the least',
  expected: 'the same namespace and ports, the name with the suffix',
  subjects: ({ infra, apps }, { names }) => [
    ...located(
      'infra',
      infra.services.filter((service) => isExport(service, names)),
    ),
    ...located(
      'apps',
      apps.services.filter((service) => isMirror(service, names)),
    ),
  ],
  name: nameOfLocated,
  holds: ({ cluster, object }, { names }, { infra, apps }) => {
    const partners = {
      infra: infra.services.filter((service) => isExport(service, names)),
      apps: apps.services.filter((service) => isMirror(service, names)),
    }
    const suffix = names.mirroring.suffix.name
    const { name, namespace } = object.metadata
    const partner = cluster === 'infra' ? `${name}${suffix}` : name.slice(0, -suffix.length)
    const other: ClusterName = cluster === 'infra' ? 'apps' : 'infra'
    const found = partners[other].find(({ metadata }) => metadata.name === partner && metadata.namespace === namespace)
    if (!found) return `has no ${other === 'apps' ? 'mirror' : 'export'} ${namespace}/${partner} on ${other}`
    const ports = ({ spec }: typeof object) => spec.ports.map(({ port }) => port).join(', ')
    return ports(object) === ports(found) || `has ports ${ports(object)}, ${other} has ${ports(found)}`
  },
})
