import { expect, test } from 'vitest'
import { isWithin } from './known.ts'
import { bucketsIn, quantile, quantileRanges } from './proxy-latency.ts'

const bounds = [1, 2, 5, 10, 100, Infinity]
/** Cumulative counts at 1, 2, 5, 10, 100 ms and in all. */
const buckets = (...counts: number[]) => new Map(bounds.map((bound, index) => [bound, counts[index] ?? 0]))

test('requests that came in are added up over statuses, others are left out', () => {
  const sample = (direction: string, le: string, value: number, name = 'response_latency_ms_bucket') => ({
    name,
    labels: { direction, le },
    value,
  })
  expect(
    bucketsIn([
      sample('inbound', '5', 3),
      sample('inbound', '5', 4),
      sample('inbound', '+Inf', 9),
      sample('outbound', '5', 100),
      sample('inbound', '5', 100, 'request_total'),
    ]),
  ).toEqual(
    new Map([
      [5, 7],
      [Infinity, 9],
    ]),
  )
})

test('a quantile lies within its bucket as Prometheus spreads it', () => {
  const all = buckets(0, 0, 50, 100, 100, 100)
  expect([0.25, 0.5, 0.75, 1].map((share) => quantile(all, share))).toEqual([3.5, 5, 7.5, 10])
  expect(quantile(buckets(0, 0, 0, 0, 0, 10), 0.5)).toBe(100)
  expect(quantile(buckets(), 0.5)).toBeUndefined()
})

test('the range holds the quiet and the busy part of a load, and windows that are too short say nothing', () => {
  const readings = [
    { at: 0, buckets: buckets() },
    // A hundred requests within 2 ms, then a hundred between 10 and 100 ms.
    { at: 10_000, buckets: buckets(0, 100, 100, 100, 100, 100) },
    { at: 20_000, buckets: buckets(0, 100, 100, 100, 200, 200) },
  ]
  const ranges = quantileRanges(readings)
  expect(ranges?.p50.lower).toBeCloseTo(1.5)
  expect(ranges?.p50.upper).toBeCloseTo(55)
  expect(quantileRanges(readings.map(({ at, ...rest }) => ({ at: at / 10, ...rest })))).toBeUndefined()
  expect(quantileRanges([])).toBeUndefined()
})

test('a figure may be one bucket beside the range, and not two', () => {
  const range = { lower: 15, upper: 35 }
  expect([5, 6, 15, 35, 50].map((shown) => isWithin(shown, range))).toEqual([false, true, true, true, true])
  expect([60, 500].map((shown) => isWithin(shown, range))).toEqual([false, false])
})
