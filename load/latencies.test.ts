import { array, assert, double, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { Latencies } from './latencies.ts'

const ms = double({ min: 0.001, max: 60_000, noNaN: true })
const recorded = (values: readonly number[]) => {
  const latencies = new Latencies()
  for (const value of values) latencies.record(value)
  return latencies
}

test('a percentile is the latency at that rank, within one part in a thousand and half a microsecond', () => {
  assert(
    property(array(ms, { minLength: 1, maxLength: 300 }), integer({ min: 1, max: 100 }), (values, percent) => {
      const rank = Math.max(1, Math.ceil((percent / 100) * values.length - 1e-9))
      const exact = values.toSorted((a, b) => a - b)[rank - 1] ?? Number.NaN
      expect(Math.abs(recorded(values).at(percent) - exact)).toBeLessThanOrEqual(exact / 1_000 + 0.0011)
    }),
    { seed: 1 },
  )
})

test('merged, two generators have the percentiles of all their requests', () => {
  assert(
    property(array(ms, { minLength: 1 }), array(ms, { minLength: 1 }), (one, other) => {
      const merged = recorded(one)
      merged.add(recorded(other))
      const together = recorded([...one, ...other])
      expect([merged.count, merged.percentiles()]).toEqual([together.count, together.percentiles()])
    }),
    { seed: 2 },
  )
})

test.each([Number.NaN, -1, 60_001, Number.POSITIVE_INFINITY])('%d ms is no latency', (value) => {
  expect(() => new Latencies().record(value)).toThrow(`a latency from 0 to 60000 ms, not ${value}`)
})

test('nothing recorded has no percentile', () => {
  expect(() => new Latencies().percentiles()).toThrow('no latency was recorded')
})
