import type { Arm } from './blocks.ts'
import { orderOfArms } from './blocks.ts'
import type { Random } from './random.ts'

/** What every load of an experiment is like. */
export type LoadShape = {
  warmUpSeconds: number
  seconds: number
  /** Between two loads, for the last answers. */
  gapSeconds: number
}

/** Which arm is loaded when: seconds after the common begin, at which each warm-up begins. */
export type Schedule = {
  order: readonly (readonly Arm[])[]
  starts: Record<Arm, number[]>
  /** From the begin until the last load has ended. */
  totalSeconds: number
}

export const slotSeconds = ({ warmUpSeconds, seconds, gapSeconds }: LoadShape): number =>
  warmUpSeconds + seconds + gapSeconds

/** Blocks one after the other, in each of them both arms, in an order that a coin decides. */
export function scheduleOf(blocks: number, shape: LoadShape, random: Random): Schedule {
  const order = Array.from({ length: blocks }, () => orderOfArms(random))
  const slot = slotSeconds(shape)
  const starts: Schedule['starts'] = { treated: [], control: [] }
  for (const [index, arm] of order.flat().entries()) starts[arm].push(index * slot)
  return { order, starts, totalSeconds: 2 * blocks * slot }
}

/**
 * A log that the kubelet has not rotated away holds so many requests: it turns at 10 MiB by default, and a line of
 * 60 bytes is written for each of them.
 */
const mostRequestsOfLog = 100_000

/** How many blocks one k6 can run without its log being cut. One at least. */
export const blocksPerJob = (rate: number, { seconds }: Pick<LoadShape, 'seconds'>): number =>
  Math.max(1, Math.floor(mostRequestsOfLog / (rate * seconds)))

/** How far the measured windows of the two arms overlap, in seconds; windows are [begin, end] in milliseconds. */
export function overlapSeconds(one: readonly [number, number], other: readonly [number, number]): number {
  return Math.max(0, Math.min(one[1], other[1]) - Math.max(one[0], other[0])) / 1_000
}
