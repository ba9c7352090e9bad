import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Attempt } from './attempts.ts'
import type { Stability } from './outages.ts'
import { outagesIn } from './outages.ts'
import { simulatedLog } from './simulated-service.ts'

const stability: Stability = { successes: 10, heldMs: 10_000 }
const simulatedOutages = 400

const setting = fc.record({
  from: fc.double({ min: 3_000, max: 20_000, noNaN: true }),
  beyondTheShortest: fc.double({ min: 0, max: 120_000, noNaN: true }),
  periodMs: fc.integer({ min: 50, max: 1_000 }),
  timeoutShare: fc.double({ min: 0.2, max: 2, noNaN: true }),
  random: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
})

const draw = (stream: IterableIterator<number>) => () => Number(stream.next().value ?? 0)

describe('outages in a log', () => {
  test(`of ${simulatedOutages} outages of known length each lies inside its interval, and the interval is no wider than a few periods and time-outs`, () => {
    fc.assert(
      fc.property(setting, ({ from, beyondTheShortest, periodMs, timeoutShare, random }) => {
        const timeoutMs = Math.max(100, periodMs * timeoutShare)
        // A shorter one can pass unseen: all requests hang until the service is back.
        const length = beyondTheShortest + timeoutMs + 2 * periodMs
        const log = simulatedLog({
          down: [{ from, to: from + length }],
          lengthMs: from + length + 40_000,
          periodMs,
          timeoutMs,
          random: draw(random),
        })
        const { outages } = outagesIn(log, stability)
        expect(outages).toHaveLength(1)
        const { lengthMs, start, end } = outages[0] ?? {}
        expect(start?.lower).toBeLessThanOrEqual(from)
        expect(start?.upper).toBeGreaterThanOrEqual(from)
        expect(end?.lower).toBeLessThanOrEqual(from + length)
        expect(end?.upper).toBeGreaterThanOrEqual(from + length)
        expect(lengthMs?.lower).toBeLessThanOrEqual(length)
        expect(lengthMs?.upper).toBeGreaterThanOrEqual(length)
        // Hanging requests that succeed late hide failures at both ends: an answer's worth of attempts each.
        expect((lengthMs?.upper ?? Infinity) - (lengthMs?.lower ?? 0)).toBeLessThan(4 * periodMs + 6 * timeoutMs + 200)
      }),
      { numRuns: simulatedOutages },
    )
  })

  test('a relapse before the service was stable continues the outage, one after that is another; the total is the sum', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2_000, max: 30_000, noNaN: true }),
        fc.double({ min: 500, max: 5_000, noNaN: true }),
        fc.boolean(),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
        (length, pause, isStableBetween, random) => {
          const first = { from: 5_000, to: 5_000 + length }
          const from = first.to + (isStableBetween ? 15_000 : pause)
          const second = { from, to: from + length }
          const log = simulatedLog({
            down: [first, second],
            lengthMs: second.to + 30_000,
            periodMs: 100,
            timeoutMs: 300,
            random: draw(random),
          })
          const { outages, total, longest } = outagesIn(log, stability)
          expect(outages).toHaveLength(isStableBetween ? 2 : 1)
          const truth = isStableBetween ? 2 * length : second.to - first.from
          expect(total.lower).toBeLessThanOrEqual(truth)
          expect(total.upper).toBeGreaterThanOrEqual(truth)
          const longestTruth = isStableBetween ? length : truth
          expect(longest.lower).toBeLessThanOrEqual(longestTruth)
          expect(longest.upper).toBeGreaterThanOrEqual(longestTruth)
        },
      ),
      { numRuns: 200 },
    )
  })

  const attempt = (sentAt: number, ok: boolean): Attempt => ({ scheduledAt: sentAt, sentAt, endedAt: sentAt + 10, ok })

  test('an outage that has not ended has no upper end', () => {
    const log = [attempt(0, true), attempt(100, false), attempt(200, false), attempt(300, true)]
    expect(outagesIn(log, stability).outages).toEqual([
      { start: { lower: 0, upper: 110 }, end: undefined, lengthMs: { lower: 90, upper: Infinity }, failures: 2 },
    ])
  })

  test('a service that was never seen before its outage may have been down for ever', () => {
    const log = [attempt(0, false), ...Array.from({ length: 200 }, (_, index) => attempt((index + 1) * 100, true))]
    expect(outagesIn(log, stability).longest).toEqual({ lower: 0, upper: Infinity })
  })

  test('a prober that stopped sending was blind for that long; an outage is not blindness', () => {
    expect(outagesIn([attempt(0, true), attempt(5_000, true)], stability).blindMs).toBe(5_000)
    expect(outagesIn([attempt(0, false), attempt(5_000, false)], stability).blindMs).toBe(0)
    expect(outagesIn([], stability)).toMatchObject({ attempts: 0, outages: [], longest: { lower: 0, upper: 0 } })
  })
})
