import { array, assert, double, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meanInterval, ratioInterval } from './interval.ts'
import { randomFrom } from './random.ts'
import { judgeOverhead, verdictText } from './verdict.ts'

const judged = (ratios: readonly number[], allowed = 0.08) => judgeOverhead(ratios, allowed, randomFrom(1))

describe('the verdict on an overhead', () => {
  test('conforms when the whole interval is below the threshold', () => {
    expect(judged([1.02, 1.03, 1.01, 1.02, 1.04, 1.03]).outcome).toBe('conforms')
  })

  test('deviates when the whole interval is above', () => {
    expect(judged([1.31, 1.35, 1.29, 1.33, 1.36]).outcome).toBe('deviates')
    expect(judged([1.31, 1.35, 1.29, 1.33, 1.36], 0.5).outcome).toBe('conforms')
  })

  test('is inconclusive when the threshold is inside, and says how many more blocks would do', () => {
    const ratios = [1.0, 1.1, 1.05, 1.15, 0.95]
    const verdict = judged(ratios)
    expect(verdict).toMatchObject({ outcome: 'inconclusive', moreBlocks: expect.any(Number) })
    if (verdict.outcome !== 'inconclusive') return
    const repeats = Math.ceil(1 + (verdict.moreBlocks ?? 0) / ratios.length)
    expect(judged(Array.from({ length: repeats }, () => ratios).flat()).outcome).toBe('conforms')
  })

  test('needs five blocks, whatever they say', () => {
    expect(verdictText(judged([]))).toBe('inconclusive, about 5 more blocks')
    expect(judged([])).toEqual({ outcome: 'inconclusive', interval: undefined, moreBlocks: 5 })
    expect(judged([1])).toEqual({ outcome: 'inconclusive', interval: undefined, moreBlocks: 4 })
    expect(judged([1, 1, 1, 1])).toMatchObject({ outcome: 'inconclusive', moreBlocks: 1 })
  })

  test('that no number of blocks would give has no such number', () => {
    const ratios = [1.07, 1.09, 1.06, 1.1, 1.081]
    expect(judged(ratios, ratioInterval(ratios, randomFrom(1)).estimate - 1)).toMatchObject({
      outcome: 'inconclusive',
      moreBlocks: undefined,
    })
  })
})

describe('an interval', () => {
  const values = array(double({ min: 0.2, max: 5, noNaN: true }), { minLength: 5, maxLength: 30 })

  test('holds its estimate, and is the same for the same seed', () => {
    assert(
      property(values, integer(), (ratios, seed) => {
        const interval = ratioInterval(ratios, randomFrom(seed))
        expect(interval.lower).toBeLessThanOrEqual(interval.estimate * (1 + 1e-9))
        expect(interval.upper).toBeGreaterThanOrEqual(interval.estimate * (1 - 1e-9))
        expect(ratioInterval(ratios, randomFrom(seed))).toEqual(interval)
      }),
      { seed: 3, numRuns: 50 },
    )
  })

  test('of doubled values is the doubled interval', () => {
    assert(
      property(values, (ratios) => {
        const [one, two] = [ratios, ratios.map((ratio) => 2 * ratio)].map((all) => meanInterval(all, randomFrom(5)))
        expect(two?.lower).toBeCloseTo(2 * (one?.lower ?? 0), 6)
        expect(two?.upper).toBeCloseTo(2 * (one?.upper ?? 0), 6)
      }),
      { seed: 4, numRuns: 50 },
    )
  })

  test('of one block there is none', () => {
    expect(() => meanInterval([1], randomFrom(1))).toThrow('two blocks at least, not 1')
  })
})
