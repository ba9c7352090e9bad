import { describe, expect, test } from 'vitest'
import { ageMs, dayMs, goDurationMs, hourMs, inWords, longestPauseMs } from './ages.ts'

const now = new Date('2026-11-25T03:15:00Z')

describe('the longest pause of a schedule', () => {
  test.each([
    ['0 */6 * * *', 6 * hourMs],
    // Twice a day, but not evenly: the night counts.
    ['0 8,16 * * *', 16 * hourMs],
    ['0 2 * * 0', 7 * dayMs],
    ['@weekly', 7 * dayMs],
    ['@every 6h', 6 * hourMs],
    // Six fields: seconds first.
    ['0 0 2 * * *', 24 * hourMs],
    // The longest month counts, not the next one.
    ['0 2 1 * *', 31 * dayMs],
  ])('%s', (schedule, pause) => {
    expect(longestPauseMs(schedule, now)).toBe(pause)
  })

  test.each(['', 'every six hours', '0 2 * *', '61 * * * *'])('%s is no schedule', (schedule) => {
    expect(longestPauseMs(schedule, now)).toBeUndefined()
  })
})

test('what has no time has no age', () => {
  expect(ageMs('2026-11-25T02:15:00Z', now)).toBe(hourMs)
  expect(ageMs(undefined, now)).toBeUndefined()
  expect(ageMs('soon', now)).toBeUndefined()
})

test('durations as Go writes them', () => {
  expect(goDurationMs('1m12.4s')).toBe(72_400)
  expect(goDurationMs('1h2m3.5s')).toBe(3_723_500)
  expect(goDurationMs(undefined)).toBeUndefined()
})

test('lengths of time for people', () => {
  expect([45_000, 90 * 60_000, 6.5 * hourMs, 8 * dayMs].map(inWords)).toEqual(['45 s', '90 min', '6.5 h', '8 days'])
})
