import type { Interval } from './interval.ts'
import { meanInterval, ratioInterval } from './interval.ts'
import { randomFrom } from './random.ts'
import type { Compared } from './sources.ts'
import type { Verdict } from './verdict.ts'
import { judgeOverhead } from './verdict.ts'

/** Anew from the seed each time: whoever has the evidence gets the same interval. */
export const verdictOf = ({ ratios, seed }: Compared, allowed: number): Verdict =>
  judgeOverhead(ratios, allowed, randomFrom(seed))

export const ratioOf = ({ ratios, seed }: Compared): Interval | undefined =>
  ratios.length < 2 ? undefined : ratioInterval(ratios, randomFrom(seed))

export const differenceOf = ({ differencesMs, seed }: Compared): Interval | undefined =>
  differencesMs.length < 2 ? undefined : meanInterval(differencesMs, randomFrom(seed))

/** Beyond it, a figure says no more than that nothing is known. */
const mostPercent = 10_000

const percent = (ratio: number) => {
  const value = (ratio - 1) * 100
  return value > mostPercent ? `over ${mostPercent}` : value.toFixed(1)
}

/** `12.3 % (9.1 to 15.0)`. */
export const addedText = ({ estimate, lower, upper }: Interval): string =>
  `${percent(estimate)} % (${percent(lower)} to ${percent(upper)})`

/** `0.82 ms (0.71 to 0.93)`. */
export const differenceText = ({ estimate, lower, upper }: Interval): string =>
  `${estimate.toFixed(2)} ms (${lower.toFixed(2)} to ${upper.toFixed(2)})`
