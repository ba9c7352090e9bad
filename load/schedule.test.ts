import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { randomFrom } from './random.ts'
import { blocksPerJob, overlapSeconds, scheduleOf, slotSeconds } from './schedule.ts'

const shape = { warmUpSeconds: 1, seconds: 5, gapSeconds: 1 }

test('both arms are loaded once in every block, and never at the same time', () => {
  assert(
    property(integer({ min: 1, max: 20 }), integer(), (blocks, seed) => {
      const { order, starts, totalSeconds } = scheduleOf(blocks, shape, randomFrom(seed))
      expect(order.every((arms) => arms.toSorted().join() === 'control,treated')).toBe(true)
      expect([starts.treated.length, starts.control.length]).toEqual([blocks, blocks])
      const all = [...starts.treated, ...starts.control].toSorted((a, b) => a - b)
      expect(all).toEqual(Array.from({ length: 2 * blocks }, (_, index) => index * slotSeconds(shape)))
      expect(totalSeconds).toBe(2 * blocks * slotSeconds(shape))
      for (const [index, arms] of order.entries()) {
        const first = arms[0] ?? 'treated'
        expect(starts[first][index]).toBe(2 * index * slotSeconds(shape))
      }
    }),
    { seed: 7 },
  )
})

test('a job has as many blocks as its log holds, and one at least', () => {
  expect(blocksPerJob(50, shape)).toBe(400)
  expect(blocksPerJob(3_200, { seconds: 10 })).toBe(3)
  expect(blocksPerJob(3_200, { seconds: 60 })).toBe(1)
})

test('windows overlap by what they share', () => {
  expect(overlapSeconds([0, 5_000], [4_000, 9_000])).toBe(1)
  expect(overlapSeconds([0, 5_000], [5_000, 9_000])).toBe(0)
  expect(overlapSeconds([0, 5_000], [7_000, 9_000])).toBe(0)
})
