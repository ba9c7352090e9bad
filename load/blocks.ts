import type { Percentile, Percentiles } from './latencies.ts'
import { fewestRequestsFor, percentiles } from './latencies.ts'
import type { Random } from './random.ts'

/** `treated` is the arm with what is measured (the mesh, a delay), `control` the same without it. */
export const arms = ['treated', 'control'] as const
export type Arm = (typeof arms)[number]

/** A pod or process that took part. `throttledPeriods` is undefined where nobody says. */
export type Participant = { name: string; restarts: number; throttledPeriods: number | undefined; node: string }

/** One arm of one block: what k6 says of it, and what others saw. */
export type ArmRun = {
  /** Requests that the arrival rate asks for in the measured time. */
  asked: number
  /** Requests that k6 measured. */
  measured: number
  failed: number
  /** Iterations that k6 could not start in time. */
  dropped: number
  /** Requests that passed the treatment while this arm was loaded, by the treatment's own counters; undefined: unknown. */
  treated: number | undefined
  participants: readonly { before: Participant; after: Participant | undefined }[]
  percentiles: Percentiles
}

export type Block = Record<Arm, ArmRun>

/** The order of the arms in each block: a fair coin, so that a drift of the machine favours neither of them. */
export const orderOfArms = (random: Random): readonly Arm[] => (random() < 0.5 ? arms : arms.toReversed())

/** The share of requests that may miss or fail: an arrival rate of 320 for 5 s ends with 1,599 or 1,601 requests. */
const tolerated = 0.01

/**
 * Why a block says nothing; empty when it counts. `judged` are the percentiles that are wanted of it, `through` the arms
 * whose requests have to pass the treatment.
 */
export const voidReasons = (
  block: Block,
  judged: readonly Percentile[] = percentiles,
  through: readonly Arm[] = ['treated'],
): string[] =>
  arms.flatMap((arm) =>
    [
      ...generatorFaults(block[arm], judged),
      ...treatmentFaults(through.includes(arm), block[arm]),
      ...block[arm].participants.flatMap(({ before, after }) => participantFaults(before, after)),
    ].map((reason) => `${arm}: ${reason}`),
  )

function generatorFaults({ asked, measured, failed, dropped }: ArmRun, judged: readonly Percentile[]): string[] {
  const faults: string[] = []
  if (dropped > 0) faults.push(`k6 dropped ${dropped} iterations`)
  if (failed > measured * tolerated) faults.push(`${failed} of ${measured} requests failed`)
  if (Math.abs(measured - asked) > Math.max(1, asked * tolerated))
    faults.push(`${measured} requests were measured, ${asked} asked for`)
  const [tooFar] = judged.filter((percentile) => measured < fewestRequestsFor[percentile]).toReversed()
  if (tooFar !== undefined)
    faults.push(`${measured} requests are too few for a ${tooFar}: ${fewestRequestsFor[tooFar]} at least`)
  return faults
}

/** All requests of a treated arm have to have passed the treatment, and none of another one. */
function treatmentFaults(isTreated: boolean, { measured, treated }: ArmRun): string[] {
  if (treated === undefined) return ['no counter says which requests passed the treatment']
  if (isTreated && treated < measured) return [`only ${treated} of ${measured} requests passed the treatment`]
  if (!isTreated && treated > 0) return [`${treated} requests passed the treatment`]
  return []
}

function participantFaults(before: Participant, after: Participant | undefined): string[] {
  if (after === undefined) return [`${before.name} is gone`]
  const faults: string[] = []
  if (after.restarts > before.restarts) faults.push(`${before.name} restarted`)
  if (after.throttledPeriods === undefined || before.throttledPeriods === undefined)
    faults.push(`nobody says whether ${before.name} was throttled`)
  else if (after.throttledPeriods > before.throttledPeriods) faults.push(`${before.name} was throttled`)
  if (after.node !== before.node) faults.push(`${before.name} moved from ${before.node} to ${after.node}`)
  return faults
}

/** Treated over control, block by block. */
export const ratiosOf = (blocks: readonly Block[], percentile: Percentile): number[] =>
  blocks.map(({ treated, control }) => treated.percentiles[percentile] / control.percentiles[percentile])

/** Treated minus control in milliseconds, block by block. */
export const differencesOf = (blocks: readonly Block[], percentile: Percentile): number[] =>
  blocks.map(({ treated, control }) => treated.percentiles[percentile] - control.percentiles[percentile])
