import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { fullPlan, leastSecondsOf, quickPlan } from './plan.ts'

test.each([
  ['full', fullPlan],
  ['quick', quickPlan],
] as const)('the %s plan fits into its own budget', (_, plan) => {
  expect(leastSecondsOf(plan)).toBeLessThanOrEqual(plan.budgetSeconds)
})

test('the quick plan takes less than four minutes', () => {
  expect(quickPlan.budgetSeconds).toBeLessThan(240)
})

test('a budget that does not suffice for the blocks that are needed is refused, with what is', async () => {
  const { exitCode, stderr } = await execa(process.execPath, [join(import.meta.dirname, 'main.ts'), '--budget', '10'], {
    reject: false,
  })
  expect([exitCode, stderr]).toEqual([
    3,
    expect.stringContaining('5 blocks at each of 3 rates and what is measured beside them take 21 minutes'),
  ])
})
