import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { pods } from '../cluster/kinds/core.ts'
import { policyRequests } from '../cluster/kinds/observations.ts'
import type { AuthorizationPolicy, PolicyReference, Selector, Server } from '../cluster/kinds/policy.ts'
import { authorizationPolicies, meshAuthentications, networkAuthentications, servers } from '../cluster/kinds/policy.ts'
import type { Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { isRunning, unlessOneIsEmpty } from './objects.ts'

/** What the platform itself runs: its policies come with its charts. */
const ownNamespaces = (names: Names): string[] =>
  (['system', 'linkerd', 'linkerdMulticluster', 'linkerdViz', 'linkerdSMI', 'flux'] as const).map((key) =>
    namespaceOf(names, key),
  )

function isSelected({ metadata }: Pod, { matchLabels, matchExpressions }: Selector): boolean {
  const { labels } = metadata
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      const value = labels[key]
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      const isOne = value !== undefined && values.includes(value)
      return operator === 'In' ? isOne : !isOne
    })
  )
}

type Port = { name?: string | undefined; containerPort: number }
type Guarded = { kind: string; metadata: Pod['metadata']; pod: Pod; port: Port }

/** Every port that a container beside the proxy declares. */
const portsOf = (pod: Pod): Guarded[] =>
  pod.spec.containers
    .filter(({ name }) => name !== 'linkerd-proxy')
    .flatMap(({ ports }) => ports)
    .map((port) => ({ kind: 'Pod', metadata: pod.metadata, pod, port }))

const isMeshed = ({ spec }: Pod) =>
  [...spec.initContainers, ...spec.containers].some(({ name }) => name === 'linkerd-proxy')

const isAbout = ({ metadata, spec }: Server, { pod, port }: Guarded) =>
  metadata.namespace === pod.metadata.namespace &&
  spec.podSelector !== undefined &&
  isSelected(pod, spec.podSelector) &&
  [String(port.containerPort), port.name].includes(String(spec.port))

const isFor = ({ metadata, spec: { targetRef } }: AuthorizationPolicy, server: Server) =>
  metadata.namespace === server.metadata.namespace &&
  ((targetRef.kind === 'Server' && targetRef.name === server.metadata.name) ||
    (targetRef.kind === 'Namespace' && targetRef.name === server.metadata.namespace))

type Named = { metadata: { name: string; namespace?: string | undefined } }
type References = { meshes: readonly (Named & { spec: { identities: string[] } })[]; networks: readonly Named[] }

/** Why a policy lets nobody in, or everybody. */
function faultOf({ metadata, spec }: AuthorizationPolicy, { meshes, networks }: References): string | undefined {
  const refs = spec.requiredAuthenticationRefs
  if (refs.length === 0) return 'asks for nothing'
  const find = <T extends Named>(all: readonly T[], ref: PolicyReference) =>
    all.find(
      (one) => one.metadata.name === ref.name && one.metadata.namespace === (ref.namespace ?? metadata.namespace),
    )
  for (const ref of refs) {
    if (ref.kind === 'ServiceAccount') continue
    const found = ref.kind === 'MeshTLSAuthentication' ? find(meshes, ref) : find(networks, ref)
    if (!found) return `refers to ${ref.kind} ${ref.name}, which does not exist`
  }
  const namesIdentity = refs.some((ref) => {
    if (ref.kind !== 'MeshTLSAuthentication') return ref.kind === 'ServiceAccount'
    return find(meshes, ref)?.spec.identities.includes('*') === false
  })
  return namesIdentity ? undefined : 'names no identity'
}

export const workloadsHavePolicies = check({
  claim: 'MESH-17',
  fact: 'every port of a meshed workload is under a policy that names who may come in',
  reads: {
    pods,
    servers,
    policies: authorizationPolicies,
    meshes: meshAuthentications,
    networks: networkAuthentications,
  },
  population: 'declared ports of meshed workloads',
  atLeast: 1,
  expected: 'a Server for the port, and for it an AuthorizationPolicy whose references exist and name identities',
  subjects: (read, { names }) =>
    unlessOneIsEmpty(
      [read.servers],
      read.pods
        .filter(
          (pod) => isRunning(pod) && isMeshed(pod) && !ownNamespaces(names).includes(pod.metadata.namespace ?? ''),
        )
        .flatMap(portsOf),
    ),
  holds: (guarded, _, read) => {
    const { containerPort } = guarded.port
    const about = read.servers.find((server) => isAbout(server, guarded))
    if (!about) return `has port ${containerPort}, which no Server is about`
    if (about.spec.accessPolicy !== 'deny')
      return `has port ${containerPort}, which is open by ${about.spec.accessPolicy}`
    const policies = read.policies.filter((policy) => isFor(policy, about))
    if (policies.length === 0)
      return `has port ${containerPort}, which nobody may use: no policy is for Server ${about.metadata.name}`
    const faults = policies.map((policy) => ({ policy, fault: faultOf(policy, read) }))
    const [first] = faults
    return (
      faults.some(({ fault }) => fault === undefined) ||
      `has port ${containerPort}, whose policy ${first?.policy.metadata.name} ${first?.fault}`
    )
  },
  disputed: true,
})

export const wrongIdentityIsRefused = absent({
  claim: 'MESH-17',
  fact: 'a meshed client that a policy does not name is refused, and let in once it is named',
  reads: { requests: policyRequests },
  population: 'requests of a client with another identity than the policy names',
  atLeast: 1,
  expected: 'refused by the proxy, and counted as denied',
  // One that got lost on the way tells nothing of a refusal.
  subjects: ({ requests }) =>
    requests.filter(
      ({ metadata, attempt }) =>
        metadata.name === 'wrong identity' && ['answered', 'refused', 'closed'].includes(attempt.outcome),
    ),
  name: ({ metadata }) => ({
    subject: `request with the ${metadata.name}`,
    look: 'get servers,authorizationpolicies -A',
  }),
  detector: ({ attempt, allowed, denied }) => {
    if (attempt.outcome === 'answered') return `was answered, though the policy names ${allowed} only`
    return denied > 0 ? undefined : `ended with ${attempt.outcome}, but the proxy of the target counted no denial`
  },
  // The same client has to be let in under its own name, or the refusal says nothing about identities.
  calibrate: ({ requests }) => requests.filter(({ metadata }) => metadata.name === 'right identity'),
})
