import type { Random } from './random.ts'

/** An estimate with the 95 % confidence interval around it. */
export type Interval = { estimate: number; lower: number; upper: number }

const level = 0.95
const resamples = 999

/**
 * The mean over blocks, with its interval by the bootstrap-t: what is drawn again are whole blocks, because requests of
 * one block depend on each other. Each drawn mean is measured in its own standard error; the plain percentile
 * bootstrap covers only 83 % with five blocks. Needs two values at least.
 */
export function meanInterval(values: readonly number[], random: Random): Interval {
  if (values.length < 2) throw new RangeError(`an interval needs two blocks at least, not ${values.length}`)
  const own = momentsOf(values)
  if (own.standardError === 0) return { estimate: own.mean, lower: own.mean, upper: own.mean }
  const sample = Float64Array.from(values)
  const drawn = Float64Array.from({ length: resamples }, () => {
    for (let index = 0; index < sample.length; index += 1) sample[index] = pick(values, random)
    const { mean, standardError } = momentsOf(sample)
    return mean === own.mean ? 0 : (mean - own.mean) / standardError
  }).toSorted()
  const beyond = (1 - level) / 2
  return {
    estimate: own.mean,
    lower: own.mean - quantile(drawn, 1 - beyond) * own.standardError,
    upper: own.mean - quantile(drawn, beyond) * own.standardError,
  }
}

/** The geometric mean of ratios, with its interval. */
export function ratioInterval(ratios: readonly number[], random: Random): Interval {
  const { estimate, lower, upper } = meanInterval(ratios.map(Math.log), random)
  return { estimate: Math.exp(estimate), lower: Math.exp(lower), upper: Math.exp(upper) }
}

const pick = (values: readonly number[], random: Random): number =>
  values[Math.floor(random() * values.length)] ?? Number.NaN

function momentsOf(values: ArrayLike<number> & Iterable<number>): { mean: number; standardError: number } {
  const count = values.length
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / count
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return { mean, standardError: Math.sqrt(squares / (count - 1) / count) }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.round(share * (sorted.length + 1)) - 1] ?? Number.NaN
}
