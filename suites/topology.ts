import { X509Certificate } from 'node:crypto'
import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import type { Node } from '../cluster/kinds/core.ts'
import { leases, nodes, pods, serviceCIDRs, services } from '../cluster/kinds/core.ts'
import { apiCertificate, ciliumConfig, rootCA, systemNamespace, tokenKeys } from '../cluster/kinds/documents.ts'
import { apiEndpoints } from '../cluster/kinds/observations.ts'
import { ciliumNodes } from '../cluster/kinds/platform.ts'
import type { ClusterName } from '../platform/platform.ts'
import { contains, nthAddress, overlap } from './addresses.ts'
import { conditionIs, hasOwnAddress, internalAddress, isRunning, located, missing, nameOfLocated } from './objects.ts'

const clusterNames: readonly ClusterName[] = ['infra', 'apps']
/** A kubelet renews its Lease every 10 s and is declared lost after 40 s (Kubernetes' own defaults). */
const leaseMaxAgeSeconds = 40

export const separateClusters = check({
  claim: 'TOPO-01',
  on: 'across',
  fact: 'infra and apps are two clusters, not two names of one',
  reads: { system: systemNamespace },
  population: 'pairs of clusters',
  atLeast: 1,
  expected: 'a kube-system UID of its own on each side',
  subjects: ({ infra, apps }) => infra.system.flatMap((one) => apps.system.map((other) => ({ one, other }))),
  name: () => ({ subject: 'Namespace kube-system', cluster: 'apps', look: 'get namespace kube-system -o yaml' }),
  holds: ({ one, other }) =>
    one.metadata.uid !== other.metadata.uid || `has the UID ${other.metadata.uid} on both sides`,
})

export const clusterNamesInCilium = check({
  claim: 'TOPO-01',
  fact: 'each cluster goes by its documented name',
  reads: { config: ciliumConfig },
  population: 'Cilium configurations',
  atLeast: 1,
  expected: ({ documented }) => `cluster-name ${documented.name}`,
  subjects: ({ config }) => config,
  holds: ({ data }, { documented }) =>
    data['cluster-name'] === documented.name || `has cluster-name ${data['cluster-name'] ?? 'unset'}`,
})

export const documentedNodes = check({
  claim: { infra: 'TOPO-02', apps: 'TOPO-03' },
  fact: 'the nodes are the documented ones, at the documented addresses',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'so many nodes are documented',
  expected: ({ documented }) => documented.nodes.map(({ name, address }) => `${name} ${address}`).join(', '),
  subjects: (read, { documented }) => {
    const expected = documented.nodes.map(({ name }) => name)
    const found = read.nodes.map(({ metadata }) => metadata.name)
    return [...new Set([...expected, ...found])].map((name) => ({
      name,
      address: documented.nodes.find((node) => node.name === name)?.address,
      node: read.nodes.find(({ metadata }) => metadata.name === name),
    }))
  },
  name: ({ name }) => ({ subject: `Node ${name}`, look: `get node ${name} -o wide` }),
  holds: ({ address, node }) => {
    if (!node) return missing
    if (address === undefined) return 'is not documented'
    return internalAddress(node) === address || `is at ${internalAddress(node) ?? 'no InternalIP'}`
  },
})

export const controlPlaneNodes = check({
  claim: 'TOPO-04',
  fact: 'every node is a control-plane machine that also runs ordinary workloads',
  reads: { nodes, pods },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: ({ names }) =>
    `label ${names.labels.controlPlane.key}, no taint that keeps pods away, not cordoned, at least one ordinary pod`,
  subjects: (read) => read.nodes,
  holds: (node, { names }, read) => {
    const { key } = names.labels.controlPlane
    if (!(key in node.metadata.labels)) return `has no label ${key}`
    if (node.spec.unschedulable) return 'is cordoned'
    const taint = node.spec.taints.find(({ effect }) => effect !== 'PreferNoSchedule')
    if (taint) return `has the taint ${taint.key}:${taint.effect}`
    const ordinary = read.pods.filter((pod) => pod.spec.nodeName === node.metadata.name && isOrdinary(pod))
    return ordinary.length > 0 || 'runs no ordinary pod'
  },
})

const isOrdinary = (pod: Parameters<typeof isRunning>[0]) =>
  isRunning(pod) && !pod.spec.hostNetwork && pod.metadata.namespace !== 'kube-system'

export const nodesReady = check({
  claim: 'TOPO-05',
  fact: 'every node is Ready, has a network and renews its Lease',
  reads: { nodes, leases },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'so many nodes are documented',
  expected: `Ready, network available, Lease younger than ${leaseMaxAgeSeconds} s`,
  subjects: (read) => read.nodes,
  holds: (node, { now }, read) => {
    const ready = conditionIs(node, 'Ready')
    if (ready !== true) return ready
    const network = conditionIs(node, 'NetworkUnavailable', 'False')
    if (network !== true) return network
    const lease = read.leases.find(
      ({ metadata }) => metadata.namespace === 'kube-node-lease' && metadata.name === node.metadata.name,
    )
    if (!lease?.spec.renewTime) return 'has no Lease in kube-node-lease'
    const ageSeconds = (now.getTime() - Date.parse(lease.spec.renewTime)) / 1000
    return ageSeconds <= leaseMaxAgeSeconds || `renewed its Lease ${Math.round(ageSeconds)} s ago`
  },
})

export const flatNodeNetwork = check({
  claim: 'TOPO-06',
  on: 'across',
  fact: 'the nodes of both clusters share one network',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ figures }) => figures.clusters.infra.nodes.length + figures.clusters.apps.nodes.length,
  expected: ({ figures }) => `an InternalIP in ${figures.nodeNetwork.value}`,
  subjects: ({ infra, apps }) => [...located('infra', infra.nodes), ...located('apps', apps.nodes)],
  name: nameOfLocated,
  holds: ({ object }, { figures }) => {
    const address = internalAddress(object)
    if (address === undefined) return 'has no InternalIP'
    return contains(figures.nodeNetwork.value, address) || `is at ${address}`
  },
})

export const podAddresses = check({
  claim: 'TOPO-07',
  fact: 'every pod address comes from the pod range of its cluster',
  reads: { pods },
  population: 'running pods with an address of their own',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'CoreDNS and metrics-server alone make that many',
  expected: ({ documented }) => `an address in ${documented.podCIDR.value}`,
  subjects: (read) => read.pods.filter(hasOwnAddress),
  holds: ({ status }, { documented }) => {
    const addresses = status.podIPs.map(({ ip }) => ip)
    if (addresses.length === 0) return 'has no address'
    const outside = addresses.filter((ip) => !contains(documented.podCIDR.value, ip))
    return outside.length === 0 || `has ${outside.join(', ')}`
  },
})

export const nodePodRanges = check({
  claim: 'TOPO-07',
  fact: 'every node hands out pod addresses from the pod range of its cluster',
  reads: { nodes, ciliumNodes: required(ciliumNodes) },
  population: 'pod ranges of nodes, in Kubernetes and in Cilium',
  atLeast: ({ documented }) => documented.nodes.length * 2,
  because: 'each documented node has one in both',
  expected: ({ documented }) => `a range inside ${documented.podCIDR.value}`,
  subjects: (read) => [
    ...read.nodes.map(({ kind, metadata, spec }) => ({ kind, metadata, ranges: spec.podCIDRs })),
    ...read.ciliumNodes.map(({ kind, metadata, spec }) => ({ kind, metadata, ranges: spec.ipam.podCIDRs })),
  ],
  holds: ({ ranges }, { documented }) => {
    if (ranges.length === 0) return 'has no pod range'
    const outside = ranges.filter((range) => !contains(documented.podCIDR.value, range))
    return outside.length === 0 || `hands out ${outside.join(', ')}`
  },
})

const flagOf = (words: readonly string[], flag: string) =>
  words.find((word) => word.startsWith(`--${flag}=`))?.slice(flag.length + 3)

export const clusterRangeFlag = check({
  claim: 'TOPO-07',
  fact: 'the controller managers hand out the documented pod range',
  reads: { pods },
  population: 'kube-controller-manager pods',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'every node is a control-plane machine',
  expected: ({ documented }) => `--cluster-cidr=${documented.podCIDR.value}`,
  subjects: (read) => read.pods.filter(({ metadata }) => metadata.labels['component'] === 'kube-controller-manager'),
  holds: ({ spec }, { documented }) => {
    const range = flagOf(
      spec.containers.flatMap(({ command, args }) => [...command, ...args]),
      'cluster-cidr',
    )
    return range === documented.podCIDR.value || `runs with --cluster-cidr=${range ?? ''}`
  },
})

export const serviceAddresses = check({
  claim: 'TOPO-08',
  fact: 'every Service address comes from the service range of its cluster',
  reads: { services },
  population: 'Services with a cluster address',
  atLeast: 2,
  because: 'kubernetes and the DNS Service exist on every cluster',
  expected: ({ documented }) => `an address in ${documented.serviceCIDR.value}`,
  subjects: (read) => read.services.filter(({ spec }) => spec.type !== 'ExternalName' && spec.clusterIP !== 'None'),
  holds: ({ spec }, { documented }) => {
    const addresses = spec.clusterIPs.length > 0 ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []
    if (addresses.length === 0) return 'has no address'
    const outside = addresses.filter((ip) => !contains(documented.serviceCIDR.value, ip))
    return outside.length === 0 || `has ${outside.join(', ')}`
  },
})

export const serviceRange = check({
  claim: 'TOPO-08',
  fact: 'the service range of the API server is the documented one',
  reads: { ranges: serviceCIDRs },
  population: 'service ranges',
  atLeast: 1,
  expected: ({ documented }) => documented.serviceCIDR.value,
  subjects: (read) => read.ranges,
  holds: ({ spec }, { documented }) =>
    (spec.cidrs.length === 1 && spec.cidrs[0] === documented.serviceCIDR.value) || `is ${spec.cidrs.join(', ')}`,
})

export const kubernetesService = check({
  claim: 'TOPO-08',
  fact: 'the kubernetes Service has the first address of the service range',
  reads: { services },
  population: 'kubernetes Services',
  atLeast: 1,
  expected: ({ documented }) => nthAddress(documented.serviceCIDR.value, 1),
  subjects: (read) =>
    read.services.filter(({ metadata }) => metadata.namespace === 'default' && metadata.name === 'kubernetes'),
  holds: ({ spec }, { documented }) =>
    spec.clusterIP === nthAddress(documented.serviceCIDR.value, 1) || `is at ${spec.clusterIP ?? 'no address'}`,
})

type NamedRanges = { what: string; cluster: ClusterName; ranges: string[] }
type RangePair = { one: NamedRanges; other: NamedRanges }

const pairsOf = (all: readonly NamedRanges[]): RangePair[] =>
  all.flatMap((one, index) => all.slice(index + 1).map((other) => ({ one, other })))

export const disjointRanges = absent({
  claim: 'TOPO-09',
  on: 'across',
  fact: 'pod ranges, service ranges and the node network do not overlap',
  reads: { nodes, ranges: serviceCIDRs },
  population: 'pairs of address ranges',
  atLeast: 10,
  because: 'five ranges make ten pairs',
  expected: 'no address in common',
  subjects: (read, { figures }) => {
    const inUse = clusterNames.flatMap((cluster): NamedRanges[] => [
      { what: `pods of ${cluster}`, cluster, ranges: read[cluster].nodes.flatMap(({ spec }) => spec.podCIDRs) },
      { what: `Services of ${cluster}`, cluster, ranges: read[cluster].ranges.flatMap(({ spec }) => spec.cidrs) },
    ])
    const all = [...inUse, { what: 'nodes', cluster: 'infra' as const, ranges: [figures.nodeNetwork.value] }]
    return pairsOf(all.filter(({ ranges }) => ranges.length > 0))
  },
  name: ({ one, other }) => ({
    subject: `${one.what} and ${other.what}`,
    cluster: other.cluster,
    look: 'get nodes,servicecidrs -o yaml',
  }),
  detector: ({ one, other }) => {
    const common = one.ranges.flatMap((a) => other.ranges.filter((b) => overlap(a, b)).map((b) => `${a} and ${b}`))
    return common.length === 0 ? undefined : `share addresses: ${common.join(', ')}`
  },
  calibrate: (_, { figures }) => {
    const all = { what: 'calibration', cluster: 'infra' as const, ranges: [figures.clusters.infra.podCIDR.value] }
    const one = { ...all, ranges: [nthAddress(figures.clusters.infra.podCIDR.value, 300)] }
    return [
      { one: all, other: all },
      { one: all, other: one },
    ]
  },
})

export const endpointNames = check({
  claim: 'TOPO-10',
  fact: 'the certificate of the API server covers the documented endpoint name',
  reads: { certificate: apiCertificate },
  population: 'API server certificates',
  atLeast: 1,
  expected: ({ documented }) => `a subject alternative name ${documented.endpoint.host}`,
  subjects: (read) => read.certificate,
  name: () => ({ subject: 'certificate of the API server' }),
  holds: ({ subjectAltNames }, { documented }) =>
    subjectAltNames.includes(documented.endpoint.host) || `covers ${subjectAltNames.join(', ')}`,
  disputed: ({ subjectAltNames }, { names, cluster }) =>
    (names.apiEndpoints[cluster].alternatives ?? []).some((other) => subjectAltNames.includes(other)),
})

export const apiAnswersAtItsName = check({
  claim: 'TOPO-10',
  fact: 'pods reach the API server by the documented name, with a certificate of the cluster for it',
  reads: { endpoints: apiEndpoints },
  population: 'names of the API',
  atLeast: 1,
  expected: 'an address in the DNS of the cluster, and an answer over verified TLS at its port 6443',
  subjects: ({ endpoints }) => endpoints,
  name: ({ metadata }) => ({ subject: metadata.name }),
  holds: ({ status, failure }) => status !== undefined || `gives no answer: ${failure ?? 'nobody says why'}`,
})

const fingerprintsOf = (pem: string): string[] =>
  pem
    .split(/(?=-----BEGIN CERTIFICATE-----)/)
    .filter((part) => part.includes('BEGIN CERTIFICATE'))
    .map((part) => new X509Certificate(part).fingerprint256)

export const ownSecrets = check({
  claim: 'TOPO-11',
  on: 'across',
  fact: 'each cluster has a certificate authority and token keys of its own',
  reads: { root: rootCA, keys: tokenKeys },
  population: 'kinds of key material',
  atLeast: 2,
  because: 'root certificate and token keys are both compared',
  expected: 'nothing in common between infra and apps',
  subjects: ({ infra, apps }) =>
    [
      {
        what: 'root certificate',
        look: '-n kube-system get configmap kube-root-ca.crt -o yaml',
        infra: infra.root.flatMap(({ data }) => fingerprintsOf(data['ca.crt'] ?? '')),
        apps: apps.root.flatMap(({ data }) => fingerprintsOf(data['ca.crt'] ?? '')),
      },
      {
        what: 'token signing keys',
        look: 'get --raw /openid/v1/jwks',
        infra: infra.keys.flatMap(({ keys }) => keys.map(({ n, x, kid }) => n ?? x ?? kid)),
        apps: apps.keys.flatMap(({ keys }) => keys.map(({ n, x, kid }) => n ?? x ?? kid)),
      },
    ].filter(({ infra: one, apps: other }) => one.length > 0 && other.length > 0),
  name: ({ what, look }) => ({ subject: what, cluster: 'apps', look }),
  holds: ({ infra, apps }) => {
    const shared = infra.filter((key) => apps.includes(key))
    return shared.length === 0 || `shared by both clusters: ${shared.map((key) => key.slice(0, 23)).join(', ')}`
  },
})

type Membership = { cluster: ClusterName; object: Node; own: readonly Node[]; other: readonly Node[] }

export const noSingleCluster = absent({
  claim: 'TOPO-12',
  on: 'across',
  fact: 'no node belongs to both clusters, and none of them still has all the nodes',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ figures }) => figures.clusters.infra.nodes.length + figures.clusters.apps.nodes.length,
  expected: 'in one cluster only, which has fewer nodes than the former one',
  subjects: ({ infra, apps }): Membership[] => [
    ...infra.nodes.map((object) => ({ cluster: 'infra' as const, object, own: infra.nodes, other: apps.nodes })),
    ...apps.nodes.map((object) => ({ cluster: 'apps' as const, object, own: apps.nodes, other: infra.nodes })),
  ],
  name: nameOfLocated,
  detector: ({ object, own, other }, { figures }) => {
    const former = figures.clusters.infra.nodes.length + figures.clusters.apps.nodes.length
    if (own.length >= former) return `is one of ${own.length} nodes of a single cluster`
    const twin = other.find(
      (node) => node.metadata.name === object.metadata.name || internalAddress(node) === internalAddress(object),
    )
    return twin ? `is also in the other cluster, as ${twin.metadata.name} at ${internalAddress(twin)}` : undefined
  },
  calibrate: ({ infra, apps }) => {
    const [one] = infra.nodes
    const [last] = apps.nodes
    if (!one || !last) return []
    return [
      { cluster: 'infra' as const, object: one, own: infra.nodes, other: [...apps.nodes, one] },
      { cluster: 'apps' as const, object: last, own: [...infra.nodes, ...apps.nodes], other: [] },
    ]
  },
})
