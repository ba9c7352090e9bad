import { check } from '../check/check.ts'
import type { EndpointSlice } from '../cluster/kinds/core.ts'
import { endpointSlices, nodes, services } from '../cluster/kinds/core.ts'
import { nearRequests } from '../cluster/kinds/observations.ts'
import { namespaceOf } from '../platform/platform.ts'
import { unlessOneIsEmpty } from './objects.ts'

const modeAnnotations = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints']
const serviceLabel = 'kubernetes.io/service-name'

type Located = { metadata: { labels: Record<string, string> } }
const zonesOf = (located: readonly Located[], key: string): string[] => [
  ...new Set(located.flatMap(({ metadata }) => metadata.labels[key] ?? [])),
]

export const nodesAreInZones = check({
  claim: 'MESH-16',
  fact: 'the nodes of the cluster are in more than one zone, so that an endpoint can be nearer than another',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: ({ names }) => `${names.labels.zone.key}, not the same on all nodes`,
  subjects: (read) => read.nodes,
  holds: ({ metadata }, { names }, read) => {
    const { key } = names.labels.zone
    const zone = metadata.labels[key]
    if (zone === undefined || zone === '') return 'is in no zone'
    return zonesOf(read.nodes, key).length > 1 || `is in zone ${zone}, like all others`
  },
  disputed: true,
})

const readyEndpoints = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions.ready !== false))

export const servicesPreferNearEndpoints = check({
  claim: 'MESH-16',
  fact: 'Services with endpoints in several zones ask for near ones, and their endpoints have the hints',
  reads: { services, slices: endpointSlices },
  population: 'Services with endpoints in more than one zone',
  atLeast: 1,
  because: 'what is available has replicas on several nodes',
  expected: 'trafficDistribution or the topology annotation, and hints on every endpoint',
  subjects: (read, { names }) =>
    unlessOneIsEmpty(
      [read.services, read.slices],
      read.services
        .filter(
          ({ metadata, spec }) =>
            // What the cluster itself calls, and what is never balanced.
            !['default', namespaceOf(names, 'system')].includes(metadata.namespace ?? '') && spec.clusterIP !== 'None',
        )
        .map((service) => ({ ...service, endpoints: readyEndpoints(slicesOf(service, read.slices)) }))
        .filter(({ endpoints }) => new Set(endpoints.flatMap(({ zone }) => zone ?? [])).size > 1),
    ),
  holds: ({ metadata, spec, endpoints }) => {
    const asks =
      spec.trafficDistribution !== undefined ||
      modeAnnotations.some((key) => metadata.annotations[key]?.toLowerCase() === 'auto')
    if (!asks) return 'does not ask for near endpoints'
    const without = endpoints.filter(({ hints }) => (hints?.forZones ?? []).length === 0).length
    return without === 0 || `has ${without} of ${endpoints.length} endpoints without a hint`
  },
  disputed: true,
})

const slicesOf = (
  { metadata }: { metadata: { name: string; namespace?: string | undefined } },
  slices: readonly EndpointSlice[],
) =>
  slices.filter(
    (slice) => slice.metadata.namespace === metadata.namespace && slice.metadata.labels[serviceLabel] === metadata.name,
  )

export const requestsStayInZone = check({
  claim: 'MESH-16',
  fact: 'requests to a Service that asks for near endpoints are answered in the zone that they come from',
  reads: { requests: nearRequests, nodes },
  population: 'clients, one on each node',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: 'answers of the own zone only, and counters of the proxy that say the same',
  subjects: ({ requests }) => requests,
  name: ({ metadata }) => ({ subject: metadata.name, look: 'get nodes -L topology.kubernetes.io/zone' }),
  holds: ({ zone, hinted, answers, counted }, { names }, read) => {
    if (zone === undefined) return 'is on a node without a zone'
    if (zonesOf(read.nodes, names.labels.zone.key).length < 2)
      return `is in zone ${zone}, like all others: none is nearer`
    if (!hinted) return 'asked a Service whose endpoints got no hints'
    const far = answers.filter((answer) => answer.zone !== zone)
    const all = answers.reduce((sum, { requests }) => sum + requests, 0)
    if (all === 0) return 'got no answer'
    if (far.length > 0)
      return `got answers from ${far.map((one) => `${one.zone || 'no zone'} (${one.requests} of ${all})`).join(', ')}`
    const near = counted.find((one) => one.zone === zone)?.requests ?? 0
    return near >= all || `has a proxy that counted ${near} of ${all} requests to zone ${zone}`
  },
  disputed: true,
})
