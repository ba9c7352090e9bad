import { check } from '../check/check.ts'
import type { Figure } from '../check/result.ts'
import type { Container, Node, Pod, PodMetrics } from '../cluster/kinds/core.ts'
import { nodes, podMetrics, pods } from '../cluster/kinds/core.ts'
import type { Budget, Figures } from '../platform/platform.ts'
import { isImage } from './images.ts'
import { isRunning, runningContainers } from './objects.ts'
import type { Amount } from './quantities.ts'
import { amountOf, gigabyte, gigabytes, podRequests, quantity, requestsOf, roundTo, sum } from './quantities.ts'

/** Whether an observed figure is about the documented one, by the tolerance of platform.yaml. */
const isAbout = (observed: number, documented: number, figures: Figures) =>
  Math.abs(observed - documented) <= documented * figures.tolerance.about

export const cpuCapacity = check({
  claim: 'RES-01',
  fact: 'every node has the documented number of CPU cores',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'the sum over the cluster needs all of them',
  expected: ({ documented }) =>
    `${documented.node.cpuCores} cores (hardware threads), ${documented.nodes.length * documented.node.cpuCores} in all`,
  subjects: (read) => read.nodes,
  holds: ({ status }, { documented }) => {
    const cores = quantity(status.capacity['cpu'] ?? '0')
    return cores === documented.node.cpuCores || `has ${cores} cores`
  },
  compare: (read, { documented }) => [
    {
      name: 'CPU',
      unit: 'cores',
      documented: documented.nodes.length * documented.node.cpuCores,
      observed: read.nodes.reduce((total, { status }) => total + quantity(status.capacity['cpu'] ?? '0'), 0),
    },
  ],
})

export const memoryCapacity = check({
  claim: 'RES-02',
  fact: 'every node has the documented memory',
  reads: { nodes },
  population: 'nodes',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'the sum over the cluster needs all of them',
  expected: ({ documented, figures }) =>
    `${documented.node.memoryGB} GB, give or take ${figures.tolerance.about * 100} %`,
  subjects: (read) => read.nodes,
  holds: ({ status }, { documented, figures }) => {
    const bytes = quantity(status.capacity['memory'] ?? '0')
    return isAbout(bytes / gigabyte, documented.node.memoryGB, figures) || `has ${gigabytes(bytes)} GB`
  },
  compare: (read, { documented }) => [
    {
      name: 'memory',
      unit: 'GB',
      documented: documented.nodes.length * documented.node.memoryGB,
      observed: gigabytes(
        read.nodes.reduce((total, { status }) => total + quantity(status.capacity['memory'] ?? '0'), 0),
      ),
    },
  ],
})

/** What all running pods ask for together. */
export const requested = (all: readonly Pod[]): Amount => sum(all.filter(isRunning).map(podRequests))
const allocatable = (all: readonly Node[]): Amount => sum(all.map(({ status }) => amountOf(status.allocatable)))
const used = (all: readonly PodMetrics[]): Amount =>
  sum(all.flatMap(({ containers }) => containers.map(({ usage }) => amountOf(usage))))

/** An amount beside the one that the document gives for it. */
export type Measured = { what: string; unit: string; documented: number; observed: number }
export const nameOfMeasured = ({ what }: Measured) => ({ subject: what, look: 'get pods -A -o yaml' })
export const asFigure = ({ what, unit, documented, observed }: Measured): Figure => ({
  name: what,
  unit,
  documented,
  observed: roundTo(1, observed),
})

/** CPU and memory of one kind of amount, beside the document's figures. */
export const bothOf = (
  what: string,
  observed: Amount,
  documented: { cpuCores: number; memoryGB: number },
): Measured[] => [
  { what: `CPU ${what}`, unit: 'cores', documented: documented.cpuCores, observed: observed.cores },
  { what: `memory ${what}`, unit: 'GB', documented: documented.memoryGB, observed: observed.bytes / gigabyte },
]

export const about = ({ observed, documented, unit }: Measured, figures: Figures): true | string =>
  isAbout(observed, documented, figures) || `is ${roundTo(1, observed)} ${unit}, documented are ${documented}`

export const totalRequested = check({
  claim: { infra: 'RES-04', apps: 'RES-06' },
  fact: 'the pods request about what the document says is used',
  reads: { pods, metrics: podMetrics },
  population: 'figures of use',
  atLeast: 2,
  because: 'CPU and memory',
  expected: ({ documented }) => `about ${documented.used.cpuCores} cores and ${documented.used.memoryGB} GB`,
  subjects: (read, { documented }) =>
    read.pods.length === 0 ? [] : bothOf('requested', requested(read.pods), documented.used),
  name: nameOfMeasured,
  holds: (measured, { figures }) => about(measured, figures),
  disputed: true,
  compare: (read, { documented }) => [
    ...bothOf('requested', requested(read.pods), documented.used).map(asFigure),
    ...bothOf('in use now', used(read.metrics), documented.used).map(asFigure),
  ],
})

export const freeCapacity = check({
  claim: { infra: 'RES-05', apps: 'RES-06' },
  fact: 'about as much is free as the document says',
  reads: { nodes, pods },
  population: 'figures of free capacity',
  atLeast: 2,
  because: 'CPU and memory',
  expected: ({ documented }) => `about ${documented.available.cpuCores} cores and ${documented.available.memoryGB} GB`,
  subjects: (read, { documented }) =>
    read.nodes.length === 0 || read.pods.length === 0
      ? []
      : bothOf('free', free(read.nodes, read.pods), documented.available),
  name: nameOfMeasured,
  holds: (measured, { figures }) => about(measured, figures),
  disputed: true,
  compare: (read, { documented }) => bothOf('free', free(read.nodes, read.pods), documented.available).map(asFigure),
})

/** What nodes have and pods do not ask for. */
export function free(allNodes: readonly Node[], allPods: readonly Pod[]): Amount {
  const [has, wants] = [allocatable(allNodes), requested(allPods)]
  return { cores: has.cores - wants.cores, bytes: has.bytes - wants.bytes }
}

const proxies = 'linkerd-proxies'

/** The containers that a budget pays for. Proxies have a budget of their own, whatever pod they run in. */
function containersOf(component: string, all: readonly Pod[], figures: Figures): { pod: Pod; container: Container }[] {
  const images = figures.components.find(({ id }) => id === component)?.images ?? []
  return all.filter(isRunning).flatMap((pod) =>
    runningContainers(pod)
      .filter(({ name, image }) =>
        component === proxies
          ? name === 'linkerd-proxy'
          : name !== 'linkerd-proxy' && images.some((known) => isImage(image, known)),
      )
      .map((container) => ({ pod, container })),
  )
}

export const componentBudgets = check({
  claim: { infra: 'RES-07', apps: 'RES-08' },
  fact: 'every component keeps to its budget, in what it requests and in what it uses',
  reads: { pods, metrics: podMetrics },
  population: 'components with a budget',
  atLeast: ({ documented }) => documented.budgets.length,
  because: 'so many budgets are documented',
  expected: ({ figures }) => `requests and use within the budget, give or take ${figures.tolerance.about * 100} %`,
  subjects: (read, { documented, figures }) =>
    documented.budgets
      .map((budget) => ({ budget, spent: spendingOf(budget, read.pods, read.metrics, figures) }))
      // What a component uses is not known before all of its containers are measured.
      .filter(({ spent }) => spent.measured === spent.containers),
  name: ({ budget }) => ({ subject: budget.component, look: 'get pods -A -o yaml' }),
  holds: ({ budget, spent }, { figures }) => {
    if (spent.containers === 0) return 'runs nowhere'
    const over = [...bothOf('requested', spent.requested, budget), ...bothOf('in use', spent.used, budget)].filter(
      ({ observed, documented }) => observed > documented * (1 + figures.tolerance.about),
    )
    return (
      over.length === 0 ||
      over
        .map(({ what, unit, observed, documented }) => `${what} ${roundTo(2, observed)} of ${documented} ${unit}`)
        .join(', ')
    )
  },
  compare: (read, { documented, figures }) =>
    documented.budgets.flatMap((budget) =>
      bothOf(
        `requested by ${budget.component}`,
        spendingOf(budget, read.pods, read.metrics, figures).requested,
        budget,
      ).map(asFigure),
    ),
})

function spendingOf({ component }: Budget, allPods: readonly Pod[], metrics: readonly PodMetrics[], figures: Figures) {
  const own = containersOf(component, allPods, figures)
  const inUse = own.flatMap(({ pod, container }) => {
    const measured = metrics.find(
      ({ metadata }) => metadata.name === pod.metadata.name && metadata.namespace === pod.metadata.namespace,
    )
    const usage = measured?.containers.find(({ name }) => name === container.name)?.usage
    return usage ? [amountOf(usage)] : []
  })
  return {
    containers: own.length,
    measured: inUse.length,
    requested: sum(own.map(({ container }) => requestsOf(container))),
    used: sum(inUse),
  }
}

export const survivesNodeLoss = check({
  claim: 'RES-12',
  fact: 'what the pods request still fits when the largest node is lost',
  reads: { nodes, pods },
  population: 'kinds of capacity',
  atLeast: 2,
  because: 'CPU and memory',
  expected: ({ figures }) => `at least ${figures.headroom.minimumFreeShare * 100} % free on the nodes that remain`,
  subjects: (read) => {
    if (read.nodes.length < 2 || read.pods.length === 0) return []
    const wanted = requested(read.pods)
    return (['cores', 'bytes'] as const).map((key) => {
      const each = read.nodes.map(({ status }) => amountOf(status.allocatable)[key])
      const remaining = each.reduce((a, b) => a + b, 0) - Math.max(...each)
      return { what: key === 'cores' ? 'CPU' : 'memory', share: 1 - wanted[key] / remaining }
    })
  },
  name: ({ what }) => ({ subject: what, look: 'describe nodes' }),
  holds: ({ share }, { figures }) =>
    share >= figures.headroom.minimumFreeShare || `${roundTo(0, share * 100)} % would be free`,
})
