import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadPlatform } from '../platform/platform.ts'
import { inLanes } from './lanes.ts'
import { chooseScenarios, readScenarios } from './read-scenarios.ts'
import { plannedResultsOf } from './results.ts'
import { alwaysProtected } from './refusals.ts'
import { scenarioSchema } from './scenario.ts'

const platform = loadPlatform()
const scenarios = readScenarios(platform.claims)

describe('our scenarios', () => {
  test('are at least a dozen, of all tiers, each with results of ids of their own', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(12)
    expect(new Set(scenarios.map(({ tier }) => tier))).toEqual(new Set([1, 2, 3]))
    const checks = plannedResultsOf(scenarios).map(({ check, cluster }) => `${check} on ${cluster}`)
    expect(new Set(checks).size).toBe(checks.length)
  })

  test('touch no protected namespace, and break a quorum only where they say so', () => {
    const namespaces = scenarios.flatMap(({ fault }) => ('pods' in fault ? [fault.pods.namespace] : []))
    const powers = scenarios.flatMap(({ fault }) => (fault.driver === 'node-power' ? [fault] : []))
    expect(namespaces.filter((name) => alwaysProtected.some((one) => one === name))).toEqual([])
    expect(powers.filter(({ nodes, breaksQuorum }) => nodes.length > 1 !== breaksQuorum)).toEqual([])
  })

  test('give the phases of a rebuild less time than its objective, and nothing else more than an hour', () => {
    const rebuilds = scenarios.flatMap(({ fault }) => (fault.driver === 'cluster' ? [fault.phases] : []))
    expect(rebuilds).not.toEqual([])
    for (const phases of rebuilds) {
      // The backup is taken before anything is lost.
      const minutes = phases
        .filter(({ id }) => id !== 'backup')
        .reduce((sum, { budgetMinutes }) => sum + budgetMinutes, 0)
      expect(minutes).toBeLessThanOrEqual(platform.figures.objectives.clusterRecovery.maxHours * 60)
    }
    const [other] = scenarios.filter(({ fault }) => fault.driver !== 'cluster')
    const parsed = scenarioSchema.safeParse({ ...other, longestSeconds: 3_601 })
    expect(parsed.error?.issues.map(({ path }) => path)).toEqual([['longestSeconds']])
  })

  test('are about claims that take a fault', () => {
    const withoutFault = plannedResultsOf(scenarios).filter(
      ({ claim }) => !platform.claims.find(({ id }) => id === claim)?.method.includes('fault'),
    )
    expect(withoutFault).toEqual([])
  })

  test('are chosen by id, and a wrong one leads to the nearest', () => {
    expect(chooseScenarios(scenarios, ['link-cut']).map(({ id }) => id)).toEqual(['link-cut'])
    expect(() => chooseScenarios(scenarios, ['link-cup'])).toThrow('did you mean link-cut?')
  })

  test('run alone where they cross the border, and one at a time on a cluster', async () => {
    const running = new Set<string>()
    const seen: string[] = []
    await inLanes(scenarios, async (scenario) => {
      for (const id of running) {
        const other = scenarios.find((candidate) => candidate.id === id)
        expect(new Set([other?.cluster, scenario.cluster])).toEqual(new Set(['apps', 'infra']))
        expect([other?.isAlone, scenario.isAlone]).toEqual([false, false])
      }
      running.add(scenario.id)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running.delete(scenario.id)
      seen.push(scenario.id)
    })
    expect(seen.toSorted()).toEqual(scenarios.map(({ id }) => id))
  })
})

test('a scenario that is wrong is refused with file, line and path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'scenarios-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const good = await readFile(join(import.meta.dirname, 'scenarios/link-cut.yaml'), 'utf8')
  await writeFile(join(folder, 'link-cut.yaml'), good.replace('claim: WORK-06', 'claim: WORK-99'))
  expect(() => readScenarios(platform.claims, folder)).toThrow(/link-cut\.yaml:\d+ judge\[0\]\.claim[^]*WORK-99/)
  await writeFile(join(folder, 'link-cut.yaml'), good.replace('id: link-cut', 'id: cut'))
  expect(() => readScenarios(platform.claims, folder)).toThrow(/the name of its file, link-cut/)
})
