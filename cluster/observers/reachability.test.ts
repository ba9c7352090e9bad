import { expect, test } from 'vitest'
import { withLarge } from './reachability.ts'

const small = { outcome: 'answered', detail: '3 of 3, by plain-1' } as const

test('a way that takes large requests too is one attempt that was answered', () => {
  expect(withLarge(small, { outcome: 'answered', detail: '3 of 3, by mmm' })).toEqual({
    outcome: 'answered',
    detail: '3 of 3, by plain-1, with 4000 bytes too',
  })
})

test('a way on which only small packets pass is told as that', () => {
  expect(withLarge(small, { outcome: 'too slow', detail: '3 of 3 failed: i/o timeout' })).toEqual({
    outcome: 'too slow',
    detail: 'small requests pass, those of 4000 bytes do not (look at the MTU): 3 of 3 failed: i/o timeout',
  })
  expect(withLarge(small, { outcome: 'wrong answer', detail: 'answered by mmm, not by mmmm' }).detail).toContain(
    'other bytes came back',
  )
})

test('a probe that could not be asked tells nothing of the way', () => {
  const lost = { outcome: 'unknown', detail: 'probe plain-1 could not be asked' } as const
  expect(withLarge(small, lost)).toBe(lost)
})
