import { X509Certificate } from 'node:crypto'
import parseDuration from 'parse-duration'
import { parse as parseYAML } from 'yaml'
import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { deployments, mutatingWebhooks, namespaces, pods } from '../cluster/kinds/core.ts'
import { linkerdConfig, trustRoots } from '../cluster/kinds/documents.ts'
import type { Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import {
  allContainers,
  expectedObjects,
  isRunning,
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
