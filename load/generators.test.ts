import { expect, test } from 'vitest'
import { deadlineIn } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { chooseForm, planWith } from './generators.ts'
import { fullPlan } from './plan.ts'

const serving = (isServed: boolean) =>
  ({ get: async () => ({ status: isServed ? 200 : 404, text: '{}' }) }) as unknown as Connection

const chosen = (generators: number, { infra = true, apps = true, isQuick = false, file = '' } = {}) =>
  chooseForm(
    { infra: serving(infra), apps: serving(apps) },
    { generators, isQuick, k6: { image: 'k6', ...(file === '' ? {} : { file }) } },
    deadlineIn(1_000),
  )

test('the k6-operator runs the generators where both clusters have it', async () => {
  expect(await chosen(1)).toEqual({ kind: 'TestRun', parallelism: 1 })
  expect(await chosen(3, { isQuick: true })).toEqual({ kind: 'TestRun', parallelism: 3 })
})

test('one generator is a Job without it, for a quick test, and where k6 is a file', async () => {
  expect(await chosen(1, { apps: false })).toEqual({ kind: 'Job' })
  expect(await chosen(1, { isQuick: true })).toEqual({ kind: 'Job' })
  expect(await chosen(1, { file: '/programs/k6' })).toEqual({ kind: 'Job' })
})

test('several generators without it are refused', async () => {
  await expect(chosen(2, { apps: false })).rejects.toThrow('sharing a load between generators')
  await expect(chosen(2, { file: '/programs/k6' })).rejects.toThrow('sharing a load between generators')
})

test('it gets more time', () => {
  expect(planWith({ kind: 'Job' }, fullPlan)).toBe(fullPlan)
  expect(planWith({ kind: 'TestRun', parallelism: 2 }, fullPlan).leadSeconds).toBeGreaterThan(fullPlan.leadSeconds)
})
