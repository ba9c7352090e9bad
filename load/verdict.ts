import type { Interval } from './interval.ts'
import { ratioInterval } from './interval.ts'
import type { Random } from './random.ts'

export const fewestBlocks = 5

/** Line 263 of the document, and the study that it goes back to: arXiv 2411.02267, p99 at 3,200 requests per second. */
export const overheads = { documented: 0.08, study: 0.33 }

export function verdictText(verdict: Verdict): string {
  if (verdict.outcome !== 'inconclusive') return verdict.outcome
  if (verdict.moreBlocks === undefined) return 'inconclusive, however many blocks'
  return `inconclusive, about ${verdict.moreBlocks} more blocks`
}

export type Verdict =
  | { outcome: 'conforms' | 'deviates'; interval: Interval }
  | {
      outcome: 'inconclusive'
      interval: Interval | undefined
      /** How many more blocks a verdict would need, if they are like those so far; undefined: no number of them would do. */
      moreBlocks: number | undefined
    }

/**
 * Whether the overhead is at most `allowed` (0.08 for 8 %): by where the whole interval lies, never by its middle.
 * `ratios` are those of blocks that are not void.
 */
export function judgeOverhead(ratios: readonly number[], allowed: number, random: Random): Verdict {
  if (ratios.length < fewestBlocks)
    return {
      outcome: 'inconclusive',
      interval: ratios.length < 2 ? undefined : ratioInterval(ratios, random),
      moreBlocks: fewestBlocks - ratios.length,
    }
  const interval = ratioInterval(ratios, random)
  const limit = 1 + allowed
  if (interval.upper <= limit) return { outcome: 'conforms', interval }
  if (interval.lower > limit) return { outcome: 'deviates', interval }
  return { outcome: 'inconclusive', interval, moreBlocks: moreBlocks(interval, limit, ratios.length) }
}

/** An interval narrows with the square root of the number of blocks. */
function moreBlocks({ estimate, lower, upper }: Interval, limit: number, count: number): number | undefined {
  const distance = Math.abs(Math.log(estimate / limit))
  const reach = estimate > limit ? Math.log(estimate / lower) : Math.log(upper / estimate)
  const needed = Math.ceil(count * (reach / distance) ** 2)
  return needed > manyBlocks ? undefined : Math.max(1, needed - count)
}

/** Beyond this the threshold and the overhead are the same for every practical purpose. */
const manyBlocks = 1_000
