import { expect, test } from 'vitest'
import { allChecks } from '../../suites/chapters.ts'
import { loadPlatform } from '../../platform/platform.ts'
import { planOf, sourcesOf } from '../../suites/plan.ts'
import { observers } from './observers.ts'

const sources = sourcesOf(planOf(allChecks, loadPlatform().claims, { claims: [], chapters: [] }))
const named = new Set(sources.flatMap(({ from }) => (from.type === 'observation' ? [from.observer] : [])))

test('every observation that a check reads has an observer, and every observer a check', () => {
  expect(named.size).toBeGreaterThan(1)
  expect([...named].toSorted()).toEqual(Object.keys(observers).toSorted())
})
