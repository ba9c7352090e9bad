import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row, Write } from './database.ts'
import { databaseSeen } from './database.ts'
import type { Sighting } from './sightings.ts'
import { between, firstHeld, heldSince } from './sightings.ts'
import { doubtsAbout, rangeText, verdictOf } from './verdict.ts'

describe('a condition that is looked at again and again', () => {
  test('began to hold inside the range, whenever it did: 200 moments', () => {
    const cases = fc.record({
      at: fc.double({ min: 1_000, max: 50_000, noNaN: true }),
      period: fc.integer({ min: 50, max: 2_000 }),
      takes: fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 1_200, maxLength: 1_200 }),
    })
    fc.assert(
      fc.property(cases, ({ at, period, takes }) => {
        const looks: Sighting[] = takes
          .map((took, index) => ({
            sentAt: index * period,
            endedAt: index * period + took,
            seenAt: index * period + took / 2,
          }))
          .filter(({ sentAt }) => sentAt < at + 5_000)
          .map(({ sentAt, endedAt, seenAt }) => ({ sentAt, endedAt, holds: seenAt >= at }))
        for (const range of [heldSince(looks), firstHeld(looks)]) {
          expect(range?.lower).toBeLessThanOrEqual(at)
          expect(range?.upper).toBeGreaterThanOrEqual(at)
        }
      }),
      { numRuns: 200 },
    )
  })

  const look = (sentAt: number, holds: boolean): Sighting => ({ sentAt, endedAt: sentAt + 1, holds })

  test('that fell back holds only since the last time, and not at all when the last look did not see it', () => {
    const looks = [look(0, false), look(10, true), look(20, false), look(30, true)]
    expect(heldSince(looks)).toEqual({ lower: 20, upper: 31 })
    expect(firstHeld(looks)).toEqual({ lower: 0, upper: 11 })
    expect(heldSince(looks.slice(0, 3))).toBeUndefined()
    expect(heldSince([])).toBeUndefined()
    expect(between({ lower: 0, upper: 11 }, { lower: 20, upper: 31 })).toEqual({ lower: 9, upper: 31 })
  })
})

describe('a verdict', () => {
  const weighed = (lower: number, upper: number, more: { effects?: string[]; doubts?: string[] } = {}) =>
    verdictOf({
      objectiveMs: 60_000,
      measured: [{ what: 'the longest outage of echo', range: { lower, upper } }],
      effects: ['pod demo/echo-1 was replaced'],
      doubts: [],
      ...more,
    })

  test('is taken from the upper end, and from the lower one when it is missed', () => {
    expect(weighed(3_000, 59_999)).toEqual({
      kind: 'pass',
      reason: 'the longest outage of echo [3.00, 60.0] s; the objective is 60 s',
    })
    expect(weighed(3_000, 60_000).kind).toBe('inconclusive')
    expect(weighed(59_000, 61_000).reason).toContain('the objective of 60 s lies inside')
    expect(weighed(60_000, 61_000).kind).toBe('fail')
    expect(weighed(41_000, Infinity).kind).toBe('inconclusive')
    expect(weighed(61_000, Infinity).reason).toBe(
      'the longest outage of echo [61.0 s, not ended]; the objective is 60 s',
    )
  })

  test('is never a pass without a mark of the fault, without a measurement, or in doubt', () => {
    expect(weighed(0, 0, { effects: [] }).kind).toBe('no effect')
    expect(weighed(0, 100, { doubts: ['the prober was blind'] })).toEqual({
      kind: 'inconclusive',
      reason: 'the prober was blind',
    })
    expect(weighed(70_000, 80_000, { doubts: ['the prober was blind'] }).kind).toBe('fail')
    expect(verdictOf({ objectiveMs: 1, measured: [], effects: ['seen'], doubts: [] }).kind).toBe('inconclusive')
  })

  test('is monotone in the objective: what meets one meets every longer one', () => {
    const rank = { fail: 0, inconclusive: 1, pass: 2 } as const
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (lower, width, objective, more) => {
        const measured = [{ what: 'it', range: { lower, upper: lower + width } }]
        const kindAt = (objectiveMs: number) => verdictOf({ objectiveMs, measured, effects: ['seen'], doubts: [] }).kind
        expect(rank[kindAt(objective + more) as 'pass']).toBeGreaterThanOrEqual(rank[kindAt(objective) as 'pass'])
      }),
    )
  })

  test('doubts a log without attempts, and one with a hole', () => {
    const seen = { outages: [], longest: { lower: 0, upper: 0 }, total: { lower: 0, upper: 0 }, failures: 0 }
    expect(doubtsAbout('echo', { ...seen, attempts: 0, blindMs: 0 }, 100)).toEqual(['echo was never probed'])
    expect(doubtsAbout('echo', { ...seen, attempts: 9, blindMs: 500 }, 100)).toEqual([])
    expect(doubtsAbout('echo', { ...seen, attempts: 9, blindMs: 501 }, 100)).toHaveLength(1)
    expect(rangeText({ lower: 3_214, upper: 3_641 })).toBe('[3.21, 3.64] s')
  })
})

describe('a database under writes', () => {
  const write = (sequence: number, sentAt: number, ok = true): Write => ({
    sequence,
    scheduledAt: sentAt,
    sentAt,
    endedAt: sentAt + 5,
    ok,
  })
  const row = (sequence: number, at: number, timeline = 1, serverStartedAt = 0): Row => ({
    sequence,
    at,
    timeline,
    serverStartedAt,
    isIntact: true,
  })

  test('loses what was acknowledged and is not there; an unanswered write that survived is no loss', () => {
    const writes = [write(1, 0), write(2, 100), write(3, 200), write(4, 300, false), write(5, 900)]
    const rows = [row(1, 1_000), row(2, 1_100), row(4, 1_300), row(5, 1_900, 2, 1_600)]
    expect(databaseSeen(writes, rows, 310)).toEqual({
      acknowledged: 4,
      lost: [3],
      corrupted: [],
      gap: { lastBefore: 1_300, firstAfter: 1_900, ms: 600, timelines: [1, 2] },
      lostMs: { lower: 205, upper: 210 },
    })
  })

  test('a restart in place on the same timeline is a gap too; without one there is none', () => {
    expect(databaseSeen([], [row(1, 0), row(2, 50, 1, 40)], 0).gap?.ms).toBe(50)
    expect(databaseSeen([], [row(1, 0), row(2, 50)], 0).gap).toBeUndefined()
  })

  test('of 200 simulated crashes the writes that were lost are found, and the time lost lies inside the range', () => {
    const crash = fc.record({
      failedAt: fc.integer({ min: 1_000, max: 20_000 }),
      unflushedMs: fc.integer({ min: 0, max: 900 }),
      period: fc.integer({ min: 10, max: 200 }),
    })
    fc.assert(
      fc.property(crash, ({ failedAt, unflushedMs, period }) => {
        const committed = Array.from({ length: Math.floor(failedAt / period) }, (_, index) => ({
          at: index * period + 3,
          made: write(index, index * period),
        })).filter(({ made }) => made.endedAt < failedAt)
        const survives = ({ at }: { at: number }) => at <= failedAt - unflushedMs
        const seen = databaseSeen(
          committed.map(({ made }) => made),
          committed.filter(survives).map(({ made, at }) => row(made.sequence, at)),
          failedAt,
        )
        const lost = committed.filter((one) => !survives(one))
        expect(seen.lost).toEqual(lost.map(({ made }) => made.sequence))
        const newest = committed.filter(survives).at(-1)
        if (lost.length === 0 || !newest) return
        expect(seen.lostMs?.lower).toBeLessThanOrEqual(failedAt - newest.at)
        expect(seen.lostMs?.upper).toBeGreaterThanOrEqual(failedAt - newest.at)
      }),
      { numRuns: 200 },
    )
  })
})
