import { check } from '../check/check.ts'
import { addressRequests, reachability } from '../cluster/kinds/observations.ts'

export const podsReachEachOther = check({
  claim: 'NET-02',
  fact: 'probes on all nodes reach each other and their Service, by address and by name',
  reads: { requests: reachability },
  population: 'kinds of requests, each sent three times',
  // From every node to every node, to the Service's address and to its name.
  atLeast: ({ documented }) => documented.nodes.length * (documented.nodes.length + 2),
  because: 'every node asks every node, the Service by address, and the Service by name',
  expected: 'an answer from the probe that was asked, three times in a row; between pods with 4,000 bytes as well',
  subjects: (read) => read.requests,
  name: ({ metadata }) => ({
    subject: metadata.name,
    look: 'get nodes,pods -A -o wide',
  }),
  holds: ({ attempt }) => attempt.outcome === 'answered' || `${attempt.outcome}: ${attempt.detail}`,
})

const look = 'get nodes,services -A -o wide'

export const nodesReachableFromPods = check({
  claim: 'TOPO-06',
  fact: 'pods of the cluster reach the nodes of both clusters',
  reads: { requests: addressRequests },
  population: 'nodes that a probe called',
  atLeast: ({ figures }) => figures.clusters.infra.nodes.length + figures.clusters.apps.nodes.length,
  because: 'all nodes of both clusters',
  expected: 'an accepted connection',
  subjects: (read) => read.requests.filter(({ what }) => what === 'node'),
  name: ({ metadata }) => ({ subject: metadata.name, look }),
  holds: ({ attempt }) => attempt.outcome === 'answered' || `${attempt.outcome}: ${attempt.detail}`,
})

export const loadBalancersReachedFromApps = check({
  claim: 'NET-10',
  on: 'apps',
  fact: 'pods on apps reach the LoadBalancer address of the Linkerd gateway of infra',
  reads: { requests: addressRequests },
  population: 'addresses of the gateway that a probe of apps called',
  atLeast: 1,
  expected: 'an accepted connection',
  subjects: (read, { names }) =>
    read.requests.filter(
      ({ what, metadata }) =>
        what === 'load balancer' && metadata.name.includes(`/${names.services.linkerdGateway.name} `),
    ),
  name: ({ metadata }) => ({ subject: metadata.name, look }),
  holds: ({ attempt }) => attempt.outcome === 'answered' || `${attempt.outcome}: ${attempt.detail}`,
})
