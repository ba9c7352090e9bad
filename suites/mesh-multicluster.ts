import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import { deployments, services } from '../cluster/kinds/core.ts'
import { linkCredentials, linkCredentialsForDestination } from '../cluster/kinds/documents.ts'
import { links } from '../cluster/kinds/platform.ts'
import type { ClusterName, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { contains } from './addresses.ts'
import {
  conditionIs,
  expectedObjects,
  located,
  missing,
  nameOfExpected,
  nameOfLocated,
  workloadHealth,
} from './objects.ts'

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
