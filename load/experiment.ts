import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { ArmSite, Batch, BatchResult, RanBlock } from './batch.ts'
import { lingerSecondsFor, runBatch } from './batch.ts'
import type { Arm } from './blocks.ts'
import { ratiosOf } from './blocks.ts'
import type { Percentile } from './latencies.ts'
import { percentilesOf } from './latencies.ts'
import type { Random } from './random.ts'
import type { LoadShape } from './schedule.ts'
import { blocksPerJob, scheduleOf, slotSeconds } from './schedule.ts'
import type { Verdict } from './verdict.ts'
import { judgeOverhead, overheads } from './verdict.ts'

export type ExperimentPlan = {
  /** Part of the names of its Jobs. */
  name: string
  rates: readonly number[]
  shape: LoadShape
  /** At each rate at least, if the time suffices. */
  leastBlocks: number
  leadSeconds: number
  random: Random
  arms: Record<Arm, ArmSite>
  meshed: readonly Arm[]
  users?: number
  /** Whether blocks are added while the time suffices and the verdict is open. */
  addsBlocks: boolean
}

export type RateResult = {
  rate: number
  judged: readonly Percentile[]
  ran: RanBlock[]
  /** Batches that came to nothing. */
  failures: string[]
  isStandIn: boolean
}

export type Told = {
  onBlock: (rate: number, ran: RanBlock) => void
  onFailure: (rate: number, reason: string) => void
  /** Nothing is loaded any more, and nothing will be if all went well: what follows are readings. */
  onLastLoad?: () => void
}

/** What a batch takes from its first pod to its last reading. */
export function batchSeconds(
  { leadSeconds, shape }: Pick<ExperimentPlan, 'leadSeconds' | 'shape'>,
  blocks: number,
): number {
  const loaded = 2 * blocks * slotSeconds(shape)
  return leadSeconds + loaded + lingerSecondsFor(loaded) + settlingSeconds
}
/** To read logs and counters, and to be late. */
export const settlingSeconds = 4

const manyFailures = 2

/**
 * Loads both arms at every rate, block by block. Ends early when the deadline aborts, and when batches fail one after
 * the other; what was measured until then is returned.
 */
export async function experiment(plan: ExperimentPlan, told: Told, deadline: Deadline): Promise<RateResult[]> {
  const results = plan.rates.map((rate): RateResult => ({
    rate,
    judged: percentilesOf(rate * plan.shape.seconds),
    ran: [],
    failures: [],
    isStandIn: false,
  }))
  let number = 0
  for (;;) {
    const next = nextOf(plan, results, deadline)
    if (!next || deadline.signal.aborted) return results
    number += 1
    // oxlint-disable-next-line no-await-in-loop -- at once they would measure each other
    await oneBatch(plan, next, { isLast: isLast(plan, results, next), id: `${plan.name}-${number}` }, told, deadline)
  }
}

async function oneBatch(
  plan: ExperimentPlan,
  { result, blocks }: { result: RateResult; blocks: number },
  { id, isLast: noMore }: { id: string; isLast: boolean },
  told: Told,
  deadline: Deadline,
): Promise<void> {
  const { shape, arms, leadSeconds, meshed, random, users } = plan
  const batch: Batch = {
    id,
    rate: result.rate,
    shape,
    schedule: scheduleOf(blocks, shape, random),
    arms,
    leadSeconds,
    judged: result.judged,
    meshed,
    ...(users === undefined ? {} : { users }),
    ...(noMore && told.onLastLoad ? { onLoaded: told.onLastLoad } : {}),
  }
  let ran: BatchResult
  try {
    ran = await runBatch(batch, deadlineIn((batchSeconds(plan, blocks) + patienceSeconds) * 1_000, deadline.signal))
  } catch (error) {
    if (deadline.signal.aborted) return
    const reason = messageOf(error)
    result.failures.push(reason)
    told.onFailure(result.rate, reason)
    return
  }
  result.isStandIn ||= ran.isStandIn
  for (const block of ran.blocks) {
    result.ran.push(block)
    told.onBlock(result.rate, block)
  }
}
/** A kubelet may be late; a batch that takes longer than that hangs. */
const patienceSeconds = 60

const isLast = (
  { addsBlocks, leastBlocks }: ExperimentPlan,
  results: readonly RateResult[],
  next: { result: RateResult; blocks: number },
): boolean =>
  !addsBlocks && results.every((one) => one.ran.length + (one === next.result ? next.blocks : 0) >= leastBlocks)

export const countedOf = ({ ran }: RateResult): RanBlock[] => ran.filter(({ reasons }) => reasons.length === 0)

/** The rate that needs blocks most, and how many fit: first what every rate has to have, then what would decide. */
export function nextOf(
  plan: Pick<ExperimentPlan, 'leadSeconds' | 'shape' | 'leastBlocks' | 'addsBlocks' | 'random'>,
  results: readonly RateResult[],
  deadline: Pick<Deadline, 'remainingMs'>,
): { result: RateResult; blocks: number } | undefined {
  const seconds = deadline.remainingMs() / 1_000 - settlingSeconds
  const most = Math.max(0, Math.floor((seconds - batchSeconds(plan, 0)) / (2 * slotSeconds(plan.shape))))
  // Whoever is loaded for long is waited for longer.
  const fitting = batchSeconds(plan, most) > seconds ? most - 1 : most
  const usable = results.filter(({ failures }) => failures.length < manyFailures)
  const size = (result: RateResult, wanted: number) => Math.min(wanted, fitting, blocksPerJob(result.rate, plan.shape))
  const lacking = usable.find(({ ran }) => ran.length < plan.leastBlocks)
  if (lacking) {
    const blocks = size(lacking, plan.leastBlocks - lacking.ran.length)
    return blocks < 1 ? undefined : { result: lacking, blocks }
  }
  if (!plan.addsBlocks) return undefined
  const open = usable
    .map((result) => ({ result, more: moreBlocksFor(result, plan.random) }))
    .filter(({ more }) => more > 0)
    .toSorted((a, b) => a.more - b.more)
  const [best] = open
  const blocks = best ? size(best.result, best.more) : 0
  return best && blocks >= 1 ? { result: best.result, blocks } : undefined
}

/** How many more blocks would decide what is still open at a rate; 0 when all is decided, or nothing would. */
function moreBlocksFor(result: RateResult, random: Random): number {
  const counted = countedOf(result).map(({ block }) => block)
  const verdicts = result.judged.flatMap((percentile): Verdict[] => {
    const ratios = ratiosOf(counted, percentile)
    return [overheads.documented, overheads.study].map((allowed) => judgeOverhead(ratios, allowed, random))
  })
  const more = verdicts.flatMap((verdict) => (verdict.outcome === 'inconclusive' ? [verdict.moreBlocks ?? 0] : []))
  return Math.min(Math.max(0, ...more), mostAdded)
}
/** Then the interval is looked at again. */
const mostAdded = 5
