import { check } from '../check/check.ts'
import { nodes, pods } from '../cluster/kinds/core.ts'
import type { Figures } from '../platform/platform.ts'
import { about, asFigure, bothOf, free, nameOfMeasured, requested } from './resources.ts'
import type { Measured } from './resources.ts'

/** Lines 96 and 97: what platform and workloads take together, and what they leave. Workloads have no cores of their own there. */
function plan({ infraAllocation: { platform, workloads, buffer } }: Figures) {
  return {
    taken: { cpuCores: platform.cpuCores, memoryGB: platform.memoryGB + workloads.memoryGB },
    left: { cpuCores: buffer.cpuCores, memoryGB: buffer.memoryGB },
  }
}

type Allotted = Measured & { otherwise: number }

/** A figure of lines 96 and 97, with what lines 315 and 316 say of the same thing. */
function withOther(measured: Measured[], other: { cpuCores: number; memoryGB: number }): Allotted[] {
  const [cpu, memory] = [other.cpuCores, other.memoryGB]
  return measured.map((one) => ({ ...one, otherwise: one.unit === 'cores' ? cpu : memory }))
}

export const infraAllocation = check({
  claim: 'RES-11',
  on: 'infra',
  fact: 'platform and workloads of infra take, and leave, about what lines 96 and 97 allot',
  reads: { nodes, pods },
  population: 'figures of the allocation',
  atLeast: 4,
  because: 'CPU and memory, taken and left',
  expected: ({ figures }) => {
    const { taken, left } = plan(figures)
    return `about ${taken.cpuCores} cores and ${taken.memoryGB} GB taken, ${left.cpuCores} cores and ${left.memoryGB} GB left`
  },
  subjects: (read, { figures, documented }): Allotted[] => {
    if (read.nodes.length === 0 || read.pods.length === 0) return []
    const { taken, left } = plan(figures)
    return [
      ...withOther(bothOf('requested', requested(read.pods), taken), documented.used),
      ...withOther(bothOf('left', free(read.nodes, read.pods), left), documented.available),
    ]
  },
  name: nameOfMeasured,
  holds: (measured, { figures }) => about(measured, figures),
  // The other budget of the document: to conform to the one is to deviate from the other.
  disputed: (measured, { figures }) => about({ ...measured, documented: measured.otherwise }, figures) === true,
  compare: (read, { figures }) => {
    const { taken, left } = plan(figures)
    return [
      ...bothOf('requested', requested(read.pods), taken),
      ...bothOf('left', free(read.nodes, read.pods), left),
    ].map(asFigure)
  },
})
