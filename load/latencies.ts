import type { Histogram } from 'hdr-histogram-js'
import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js'

const highestMs = 60_000
const microseconds = 1_000

export const percentiles = ['p50', 'p95', 'p99'] as const
export type Percentile = (typeof percentiles)[number]
export const quantileOf: Readonly<Record<Percentile, number>> = { p50: 0.5, p95: 0.95, p99: 0.99 }

/**
 * Of one arm in one block. Ten requests are then beyond the percentile; with fewer, it is little more than the slowest
 * request, and intervals around its ratio come out too narrow.
 */
export const fewestRequestsFor: Readonly<Record<Percentile, number>> = { p50: 20, p95: 200, p99: 1_000 }
export const fewestRequests = fewestRequestsFor.p99

/** The percentiles that a load of so many requests says anything about. */
export const percentilesOf = (requests: number): Percentile[] =>
  percentiles.filter((percentile) => requests >= fewestRequestsFor[percentile])

/** Milliseconds. */
export type Percentiles = Record<Percentile, number>

/** Latencies in microseconds from 1 to 60,000,000, each kept with an error below one part in a thousand. */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: highestMs * microseconds,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  })

  /** Throws RangeError for what is no latency: one that is dropped or bent would make the percentiles wrong. */
  record(ms: number): void {
    if (!(ms >= 0 && ms <= highestMs)) throw new RangeError(`a latency from 0 to ${highestMs} ms, not ${ms}`)
    this.#histogram.recordValue(Math.max(1, Math.round(ms * microseconds)))
  }

  /** Merges counts: the percentiles of several generators are those of all their requests together. */
  add(other: Latencies): void {
    this.#histogram.add(other.#histogram)
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  at(percent: number): number {
    if (this.count === 0) throw new RangeError('no latency was recorded')
    return this.#histogram.getValueAtPercentile(percent) / microseconds
  }

  /** In the compressed format of HdrHistogram, base64: kept as evidence, in microseconds, and readable by its tools. */
  encoded(): string {
    return encodeIntoCompressedBase64(this.#histogram)
  }

  percentiles(): Percentiles {
    return { p50: this.at(50), p95: this.at(95), p99: this.at(99) }
  }
}
