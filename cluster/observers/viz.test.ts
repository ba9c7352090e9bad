import { expect, test } from 'vitest'
import { areWhole } from './viz.ts'

const shown = (change: Partial<Record<string, number>> = {}) => ({
  stats: { successCount: 12, failureCount: 0, latencyMsP50: 1, latencyMsP95: 4, latencyMsP99: 9, ...change },
})

test('figures are asked for again until there are some and they belong together', () => {
  expect(areWhole([])).toBe(false)
  expect(areWhole([{ stats: undefined }])).toBe(false)
  expect(areWhole([shown(), { stats: undefined }])).toBe(true)
  expect(areWhole([shown({ successCount: 0, failureCount: 3 })])).toBe(true)
  expect(areWhole([shown(), shown({ successCount: 0 })])).toBe(false)
  expect(areWhole([shown({ latencyMsP95: 10 })])).toBe(false)
  expect(areWhole([shown({ latencyMsP50: 5 })])).toBe(false)
})
