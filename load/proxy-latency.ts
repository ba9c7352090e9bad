import type { Sample } from '../cluster/clients/prometheus-text.ts'
import type { Percentile } from './latencies.ts'
import { percentiles, quantileOf } from './latencies.ts'

export type LatencyRange = { lower: number; upper: number }

/** What a proxy has counted by then: requests that took at most so many milliseconds, by its own bounds. */
export type LatencyReading = { at: number; buckets: ReadonlyMap<number, number> }

/** All requests that came in, those of kubelets too, as the dashboard counts them. */
export function bucketsIn(samples: readonly Sample[]): ReadonlyMap<number, number> {
  const buckets = new Map<number, number>()
  for (const { name, labels, value } of samples) {
    if (name !== 'response_latency_ms_bucket' || labels['direction'] !== 'inbound') continue
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'])
    buckets.set(bound, (buckets.get(bound) ?? 0) + value)
  }
  return buckets
}

/** As Prometheus has it: evenly spread within a bucket. Undefined when nothing was counted. */
export function quantile(buckets: ReadonlyMap<number, number>, share: number): number | undefined {
  const sorted = [...buckets].toSorted(([a], [b]) => a - b)
  const all = sorted.at(-1)?.[1] ?? 0
  if (all <= 0) return undefined
  let [below, counted] = [0, 0]
  for (const [bound, upTo] of sorted) {
    if (upTo >= share * all) {
      if (bound === Infinity) return below
      return upTo === counted ? bound : below + ((bound - below) * (share * all - counted)) / (upTo - counted)
    }
    ;[below, counted] = [bound, upTo]
  }
  return below
}

/** A dashboard says of a minute or less, and nobody knows of which; a window of less than two scrapes it cannot see. */
const [shortestMs, longestMs, fewestRequests] = [8_000, 65_000, 40]

/** The least and the greatest that a quantile was in any window of these readings. */
export function quantileRanges(readings: readonly LatencyReading[]): Record<Percentile, LatencyRange> | undefined {
  const windows = readings.flatMap((later, index) =>
    readings
      .slice(0, index)
      .filter(({ at }) => later.at - at >= shortestMs && later.at - at <= longestMs)
      .map((earlier) => grown(earlier, later))
      .filter((buckets) => (buckets.get(Infinity) ?? 0) >= fewestRequests),
  )
  if (windows.length === 0) return undefined
  const rangeOf = (percentile: Percentile): LatencyRange => {
    const all = windows.flatMap((buckets) => quantile(buckets, quantileOf[percentile]) ?? [])
    return { lower: Math.min(...all), upper: Math.max(...all) }
  }
  return Object.fromEntries(percentiles.map((one) => [one, rangeOf(one)])) as Record<Percentile, LatencyRange>
}

const grown = (earlier: LatencyReading, later: LatencyReading) =>
  new Map([...later.buckets].map(([bound, count]) => [bound, count - (earlier.buckets.get(bound) ?? 0)]))
