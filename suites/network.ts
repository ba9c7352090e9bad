import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { optional, required } from '../check/source.ts'
import { daemonSets, namespaces, networkPolicies, nodes, pods, services } from '../cluster/kinds/core.ts'
import { ciliumConfig } from '../cluster/kinds/documents.ts'
import {
  bgpNodeConfigs,
  ciliumClusterwideNetworkPolicies,
  ciliumEndpoints,
  ciliumNetworkPolicies,
  ciliumNodes,
  loadBalancerPools,
} from '../cluster/kinds/platform.ts'
import type { ClusterName } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { contains, overlap, poolOf, sizeOf } from './addresses.ts'
import { isImage } from './images.ts'
import {
  conditionIs,
  conditionOf,
  daemonSetHealth,
  expectedObjects,
  hasOwnAddress,
  internalAddress,
  isReady,
  missing,
  nameOfExpected,
} from './objects.ts'

export const ciliumOnEveryNode = check({
  claim: 'NET-01',
  fact: 'the Cilium agent runs on every node',
  reads: { daemonSets, nodes },
  population: 'Cilium DaemonSets',
  atLeast: 1,
  expected: ({ documented }) => `scheduled, current and ready on ${documented.nodes.length} nodes`,
  subjects: (read, { names }) =>
    expectedObjects('DaemonSet', namespaceOf(names, 'system'), [names.workloads.cilium.name], read.daemonSets),
  name: nameOfExpected,
  holds: ({ found }, _, read) => {
    if (!found) return missing
    if (!found.spec.template.spec.containers.some(({ image }) => isImage(image, 'cilium/cilium')))
      return 'does not run the Cilium agent'
    return daemonSetHealth(found, read.nodes)
  },
})

export const ciliumKnowsEveryNode = check({
  claim: 'NET-01',
  fact: 'Cilium knows every node',
  reads: { nodes, ciliumNodes: required(ciliumNodes) },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: 'a CiliumNode with the same InternalIP',
  subjects: (read) => read.nodes,
  holds: (node, _, read) => {
    const known = read.ciliumNodes.find(({ metadata }) => metadata.name === node.metadata.name)
    if (!known) return 'has no CiliumNode'
    const address = known.spec.addresses.find(({ type }) => type === 'InternalIP')?.ip
    if (internalAddress(node) === undefined) return 'has no InternalIP'
    return (
      address === internalAddress(node) || `is at ${internalAddress(node)}, its CiliumNode says ${address ?? 'nothing'}`
    )
  },
})

export const endpointsReady = check({
  claim: 'NET-01',
  fact: 'Cilium serves every pod that has an address of its own',
  reads: { pods, endpoints: required(ciliumEndpoints) },
  population: 'running pods with an address of their own',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'CoreDNS and metrics-server alone make that many',
  expected: 'a CiliumEndpoint in state ready, with the address of the pod',
  subjects: (read) => read.pods.filter(hasOwnAddress),
  holds: (pod, _, read) => {
    const endpoint = read.endpoints.find(
      ({ metadata }) => metadata.namespace === pod.metadata.namespace && metadata.name === pod.metadata.name,
    )
    if (!endpoint) return 'has no CiliumEndpoint'
    if (endpoint.status.state !== 'ready') return `is ${endpoint.status.state || 'in no state'} in Cilium`
    const addresses = endpoint.status.networking?.addressing.map(({ ipv4 }) => ipv4) ?? []
    return (
      addresses.includes(pod.status.podIP) ||
      `is at ${pod.status.podIP}, Cilium says ${addresses.join(', ') || 'nothing'}`
    )
  },
})

/** Images of the other CNI plug-ins in wide use, by the end of their repository path. */
const cniImages = [
  'cilium/cilium',
  'calico/node',
  'flannel/flannel',
  'flannel-io/flannel',
  'weaveworks/weave-kube',
  'weave-kube',
  'antrea/antrea-agent-ubuntu',
  'cloudnativelabs/kube-router',
  'kubeovn/kube-ovn',
  'amazon-k8s-cni',
  'siderolabs/flannel',
]

export const noOtherNetwork = absent({
  claim: 'NET-01',
  fact: 'no other network plug-in is installed',
  reads: { daemonSets },
  population: 'DaemonSets',
  atLeast: 2,
  because: 'Cilium and kube-proxy are two',
  expected: 'none but Cilium that is a network plug-in',
  subjects: (read) => read.daemonSets.map((object) => ({ ...object, allowed: 'cilium/cilium' })),
  detector: ({ spec, allowed }) => {
    const images = spec.template.spec.containers.map(({ image }) => image)
    const found = images.find((image) => cniImages.some((cni) => cni !== allowed && isImage(image, cni)))
    return found === undefined ? undefined : `runs ${found}`
  },
  calibrate: (read) =>
    read.daemonSets
      .filter(({ spec }) => spec.template.spec.containers.some(({ image }) => isImage(image, 'cilium/cilium')))
      .map((object) => ({ ...object, allowed: '' })),
})

/** The check that namespaces are isolated, for each of the claims that say so. */
export const policyInEveryNamespace = (claim: string) =>
  check({
    claim,
    fact: 'every namespace with application or data workloads has a network policy',
    reads: {
      namespaces,
      pods,
      policies: networkPolicies,
      ciliumPolicies: optional(ciliumNetworkPolicies),
      clusterwide: optional(ciliumClusterwideNetworkPolicies),
    },
    population: 'namespaces with workloads',
    atLeast: 1,
    expected: 'a NetworkPolicy or CiliumNetworkPolicy of its own, or a clusterwide one',
    subjects: (read) =>
      read.namespaces.filter(
        ({ metadata }) =>
          metadata.name !== 'kube-system' &&
          read.pods.some((pod) => pod.metadata.namespace === metadata.name && hasOwnAddress(pod)),
      ),
    holds: ({ metadata }, _, read) => {
      const own = [...read.policies, ...read.ciliumPolicies].filter(
        (policy) => policy.metadata.namespace === metadata.name,
      )
      // One without endpointSelector is about nodes.
      const forPods = read.clusterwide.filter(({ spec }) => spec?.endpointSelector !== undefined)
      return own.length > 0 || forPods.length > 0 || 'has no policy'
    },
  })

export const policiesPerNamespace = policyInEveryNamespace('NET-03')

export const bgpEnabled = check({
  claim: 'NET-04',
  fact: 'the BGP control plane of Cilium is on',
  reads: { config: ciliumConfig },
  population: 'Cilium configurations',
  atLeast: 1,
  expected: 'enable-bgp-control-plane true',
  subjects: (read) => read.config,
  holds: ({ data }) =>
    data['enable-bgp-control-plane'] === 'true' ||
    `has enable-bgp-control-plane ${data['enable-bgp-control-plane'] ?? 'unset'}`,
})

export const bgpEstablished = check({
  claim: 'NET-04',
  fact: 'every node has an established peering with the router and announces routes over it',
  reads: { nodes, pods, configs: required(bgpNodeConfigs) },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  expected: ({ figures }) => `a peering with ${figures.router.address} in state established that advertises a route`,
  subjects: (read) => read.nodes,
  holds: (node, { figures, names }, read) => {
    const config = read.configs.find(({ metadata }) => metadata.name === node.metadata.name)
    if (!config) return 'has no CiliumBGPNodeConfig'
    const peers = config.status.bgpInstances.flatMap((instance) => instance.peers)
    const peer = peers.find(({ peerAddress }) => peerAddress === figures.router.address)
    if (!peer) return `peers with ${peers.map(({ peerAddress }) => peerAddress).join(', ') || 'nobody'}`
    if (peer.peeringState !== 'established')
      return `its peering with ${peer.peerAddress} is ${peer.peeringState || 'in no state'}`
    if (!peer.routeCount.some(({ advertised }) => advertised > 0)) return `advertises nothing to ${peer.peerAddress}`
    // The status is written by the agent and stays as it was when the agent dies.
    const agent = read.pods.find(
      (pod) =>
        pod.spec.nodeName === node.metadata.name && pod.metadata.labels['k8s-app'] === names.workloads.cilium.name,
    )
    return (agent !== undefined && isReady(agent)) || 'has no ready Cilium agent, so its BGP status is not current'
  },
})

export const noReplacement = check({
  claim: 'NET-06',
  fact: 'Cilium does not replace kube-proxy',
  reads: { config: ciliumConfig },
  population: 'Cilium configurations',
  atLeast: 1,
  expected: 'kube-proxy-replacement false',
  subjects: (read) => read.config,
  holds: ({ data }) =>
    data['kube-proxy-replacement'] === 'false' ||
    `has kube-proxy-replacement ${data['kube-proxy-replacement'] ?? 'unset'}`,
})

export const kubeProxyOnEveryNode = check({
  claim: 'NET-06',
  fact: 'kube-proxy serves Services on every node',
  reads: { daemonSets, nodes },
  population: 'kube-proxy DaemonSets',
  atLeast: 1,
  because: 'with the replacement off nothing else serves Services',
  expected: ({ documented }) => `scheduled, current and ready on ${documented.nodes.length} nodes`,
  subjects: (read, { names }) =>
    expectedObjects('DaemonSet', namespaceOf(names, 'system'), ['kube-proxy'], read.daemonSets),
  name: nameOfExpected,
  holds: ({ found }, _, read) => (found ? daemonSetHealth(found, read.nodes) : missing),
})

const blockText = ({
  start,
  stop,
  cidr,
}: {
  start?: string | undefined
  stop?: string | undefined
  cidr?: string | undefined
}) => cidr ?? `${start ?? ''}${stop === undefined ? '' : `-${stop}`}`

const poolClaims = { infra: 'NET-07', apps: 'NET-08' }

export const loadBalancerPool = check({
  claim: poolClaims,
  fact: 'the LoadBalancer pool is the documented one',
  reads: { pools: required(loadBalancerPools) },
  population: 'LoadBalancer pools',
  atLeast: 1,
  expected: ({ documented }) => `${poolOf(documented)}, ${sizeOf(poolOf(documented))} addresses, without conflict`,
  subjects: (read) => read.pools.filter(({ spec }) => !spec.disabled),
  holds: (pool, { documented }) => {
    const blocks = pool.spec.blocks.map(blockText)
    const outside = blocks.filter((block) => !contains(poolOf(documented), block))
    if (blocks.length === 0) return 'has no block'
    if (outside.length > 0) return `hands out ${outside.join(', ')}`
    const size = blocks.reduce((sum, block) => sum + sizeOf(block), 0)
    if (size !== sizeOf(poolOf(documented))) return `has ${size} addresses: ${blocks.join(', ')}`
    const conflict = conditionIs(pool, 'cilium.io/PoolConflict', 'False')
    if (conflict !== true) return conflict
    const total = conditionOf(pool.status.conditions, 'cilium.io/IPsTotal')?.message
    return total === String(size) || `counts ${total ?? 'no'} addresses itself`
  },
})

const isLoadBalancer = ({ spec }: { spec: { type: string } }) => spec.type === 'LoadBalancer'

export const loadBalancerAddresses = check({
  claim: poolClaims,
  fact: 'every LoadBalancer address comes from the pool of its cluster',
  reads: { services },
  population: 'LoadBalancer Services with an address',
  atLeast: 1,
  because: 'the Gateway of the cluster is one',
  expected: ({ documented }) => `an address in ${poolOf(documented)}`,
  subjects: (read) => read.services.filter((service) => isLoadBalancer(service) && addressesOf(service).length > 0),
  holds: (service, { documented }) => {
    const outside = addressesOf(service).filter((ip) => !contains(poolOf(documented), ip))
    return outside.length === 0 || `is at ${outside.join(', ')}`
  },
})

const addressesOf = ({ status }: { status: { loadBalancer: { ingress: { ip?: string | undefined }[] } } }): string[] =>
  status.loadBalancer.ingress.flatMap(({ ip }) => (ip === undefined ? [] : [ip]))

type PoolAgainst = { cluster: ClusterName; pool: string; block: string; what: string; other: string }

export const disjointPools = absent({
  claim: 'NET-09',
  on: 'across',
  fact: 'no LoadBalancer pool holds the address of a node, of the router or of the other pool',
  reads: { pools: required(loadBalancerPools), nodes },
  population: 'pairs of a pool block and another address or pool',
  atLeast: ({ figures }) => 2 * (figures.clusters.infra.nodes.length + figures.clusters.apps.nodes.length + 2),
  because: 'both pools are compared with all nodes, the router and each other',
  expected: 'no address in common',
  subjects: (read, { figures }) => {
    const blocks = (['infra', 'apps'] as const).flatMap((cluster) =>
      read[cluster].pools.flatMap(({ metadata, spec }) =>
        spec.blocks.map((block) => ({ cluster, pool: metadata.name, block: blockText(block) })),
      ),
    )
    const fixed = [
      { what: 'the router', other: figures.router.address },
      ...[...read.infra.nodes, ...read.apps.nodes].flatMap((node) => {
        const address = internalAddress(node)
        return address === undefined ? [] : [{ what: `node ${node.metadata.name}`, other: address }]
      }),
    ]
    return blocks.flatMap((own): PoolAgainst[] => [
      ...fixed.map((against) => ({ ...own, ...against })),
      ...blocks
        .filter(({ cluster }) => cluster !== own.cluster)
        .map(({ cluster, block }) => ({ ...own, what: `the pool of ${cluster}`, other: block })),
    ])
  },
  name: ({ cluster, pool, what }) => ({
    subject: `CiliumLoadBalancerIPPool ${pool} and ${what}`,
    cluster,
    look: `get ciliumloadbalancerippool ${pool} -o yaml`,
  }),
  detector: ({ block, other }) => (overlap(block, other) ? `share addresses: ${block} and ${other}` : undefined),
  calibrate: (_, { figures }) => {
    const { start, stop } = figures.clusters.infra.loadBalancerPool
    const own = { cluster: 'infra' as const, pool: 'calibration', block: `${start}-${stop}`, what: 'itself' }
    return [
      { ...own, other: start },
      { ...own, other: stop },
      { ...own, other: `${start}-${stop}` },
    ]
  },
})

export const noServiceWaits = check({
  claim: 'NET-09',
  fact: 'no LoadBalancer Service waits for an address',
  reads: { services },
  population: 'LoadBalancer Services',
  atLeast: 1,
  because: 'the Gateway of the cluster is one',
  expected: 'an address',
  subjects: (read) => read.services.filter(isLoadBalancer),
  holds: (service) => {
    if (addressesOf(service).length > 0) return true
    const asked = conditionOf(service.status.conditions, 'cilium.io/IPAMRequestSatisfied')
    return `waits for an address${asked?.reason ? ` (${asked.reason})` : ''}`
  },
})
