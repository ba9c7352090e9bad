import { check } from '../check/check.ts'
import { customResourceDefinitions, deployments } from '../cluster/kinds/core.ts'
import type { VizEdge, VizStats } from '../cluster/kinds/viz.ts'
import { vizEdges, vizStats } from '../cluster/kinds/viz.ts'
import { namespaceOf } from '../platform/platform.ts'
import { conditionIs, expectedObjects, missing, nameOfExpected, unlessOneIsEmpty, workloadHealth } from './objects.ts'

const nameOfEdge = ({ metadata, from }: VizEdge) => ({
  subject: `edge ${metadata.name}`,
  look: `-n ${from.namespace} get deployments,pods`,
})
const fewEdges = 'a platform always scrapes something, and a connection for it is an edge'

export const edgesShowTLS = check({
  claim: 'OBS-52',
  fact: 'the dashboard of Linkerd Viz shows the identities at both ends of every edge between Deployments',
  reads: { edges: vizEdges },
  population: 'edges',
  atLeast: 1,
  because: fewEdges,
  expected: 'the identity of server and client, and no reason for plain text',
  subjects: ({ edges }) => edges,
  name: nameOfEdge,
  holds: ({ clientId, serverId, noTLS }) => {
    if (noTLS !== '') return `is in plain text: ${noTLS}`
    // Reasons that Viz has no words for look like none.
    if (serverId === '') return 'has no identity of the server'
    return clientId !== '' || 'has no identity of the client'
  },
})

export const topologyIsOfWhatRuns = check({
  claim: 'OBS-51',
  fact: 'the topology that Linkerd Viz shows is made of Deployments that it has figures of',
  reads: { edges: vizEdges, stats: vizStats },
  population: 'edges',
  atLeast: 1,
  because: fewEdges,
  expected: 'a Deployment at both ends that the cluster has, as Viz itself lists them',
  subjects: (read) => unlessOneIsEmpty([read.stats], read.edges),
  name: nameOfEdge,
  holds: ({ from, to }, _, { stats }) => {
    const gone = [from, to].filter(
      ({ namespace, name }) =>
        !stats.some(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    )
    return (
      gone.length === 0 ||
      `ends at ${gone.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')}, which does not exist`
    )
  },
})

/** `true`, or what is wrong with the figures of a Deployment that has some. */
function figuresOf({ stats }: VizStats): true | string {
  if (!stats) return 'has no figures'
  const { successes, failures, latencyMsP50, latencyMsP95, latencyMsP99 } = stats
  if (successes + failures === 0) return 'has figures of no response'
  return (
    (latencyMsP50 <= latencyMsP95 && latencyMsP95 <= latencyMsP99) ||
    `has latencies that cannot be: p50 ${latencyMsP50} ms, p95 ${latencyMsP95} ms, p99 ${latencyMsP99} ms`
  )
}

const fewest = 3

export const vizShowsFigures = check({
  claim: 'OBS-51',
  fact: 'Linkerd Viz shows success rate and latencies of the last minute for Deployments that answer requests',
  reads: { stats: vizStats },
  population: 'meshed Deployments with figures',
  atLeast: fewest,
  because: 'what kubelets probe answers requests all the time',
  expected: 'responses, and latencies in their order',
  subjects: ({ stats }) => stats.filter((row) => row.meshedPods > 0 && row.stats !== undefined),
  holds: figuresOf,
})

export const vizShowsGitLab = check({
  claim: 'OBS-09',
  on: 'apps',
  fact: 'Linkerd Viz shows all pods of GitLab as meshed, with figures of the last minute (stat; top is not looked at)',
  reads: { stats: vizStats },
  population: 'Deployments of GitLab in Linkerd Viz',
  atLeast: 1,
  expected: 'every running pod meshed, with responses and latencies',
  subjects: ({ stats }, { names }) =>
    stats.filter(({ metadata }) => metadata.namespace === namespaceOf(names, 'gitlab')),
  holds: (row) => {
    if (row.runningPods === 0) return 'has no running pod'
    if (row.meshedPods < row.runningPods) return `has ${row.meshedPods} of ${row.runningPods} pods in the mesh`
    return figuresOf(row)
  },
})

const splitDefinition = 'trafficsplits.split.smi-spec.io'

export const splitsAreKnown = check({
  claim: 'OBS-53',
  fact: 'traffic splits are a kind of the cluster',
  reads: { definitions: customResourceDefinitions },
  population: 'CustomResourceDefinitions of traffic splits',
  atLeast: 1,
  expected: `${splitDefinition}, established`,
  subjects: ({ definitions }) =>
    unlessOneIsEmpty(
      [definitions],
      expectedObjects('CustomResourceDefinition', undefined, [splitDefinition], definitions),
    ),
  name: nameOfExpected,
  holds: ({ found }) => (found ? conditionIs(found, 'Established') : missing),
  disputed: true,
})

export const splitExtensionRuns = check({
  claim: 'OBS-53',
  fact: 'the extension that makes traffic splits work is available',
  reads: { deployments },
  population: 'Deployments of the SMI extension',
  atLeast: 1,
  expected: 'rolled out and available',
  subjects: (read, { names }) => {
    const { name, namespace = 'linkerdSMI' } = names.workloads.smiAdaptor
    return unlessOneIsEmpty(
      [read.deployments],
      expectedObjects('Deployment', namespaceOf(names, namespace), [name], read.deployments),
    )
  },
  name: nameOfExpected,
  holds: ({ found }) => (found ? workloadHealth(found) : missing),
  disputed: true,
})
