import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { exitCodeOf } from '../check/outcome.ts'
import { defaultLoadSettings } from '../cluster/target.ts'
import { loadPlatform } from '../platform/platform.ts'
import { planWith } from './generators.ts'
import { runLoadTest } from './load-test.ts'
import type { GeneratorForm } from './objects.ts'
import type { TestPlan } from './plan.ts'
import { quickPlan } from './plan.ts'
import { randomFrom } from './random.ts'
import { judgeAll, planFor } from './run.ts'
import type { Trouble } from './simulated-cluster.ts'
import { SimulatedCluster } from './simulated-cluster.ts'

const platform = loadPlatform()
/** Enough requests for a p99; nothing of its times is shortened. */
const plan: TestPlan = { ...quickPlan, rates: [200] }

// Time is simulated as well: it jumps to whatever is waited for next. Fake timers leave this module as it is.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number, value: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const timer = setTimeout(() => resolve(value), ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(signal.reason as Error)
      })
    }),
}))
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  vi.setTimerTickMode('nextTimerAsync')
})
afterEach(() => {
  vi.useRealTimers()
})

async function tested(trouble: Trouble = {}, { ratio = 1.05, cancel = false, parallelism = 0 } = {}) {
  const simulation = { random: randomFrom(4), ratio, trouble }
  const clusters = { infra: new SimulatedCluster('infra', simulation), apps: new SimulatedCluster('apps', simulation) }
  clusters.apps.other = clusters.infra
  const leave = new AbortController()
  const said: string[] = []
  if (cancel) setTimeout(() => leave.abort(new Error('cancelled')), 30_000)
  const form: GeneratorForm = parallelism === 0 ? { kind: 'Job' } : { kind: 'TestRun', parallelism }
  const began = performance.now()
  const run = await runLoadTest({
    connections: { infra: clusters.infra.connection(), apps: clusters.apps.connection() },
    platform,
    plan: planWith(form, plan),
    settings: defaultLoadSettings,
    k6: { image: 'k6' },
    form,
    seed: 9,
    signal: leave.signal,
    say: (line) => said.push(line),
  }).catch((error: unknown) => error)
  return {
    run: run as Awaited<ReturnType<typeof runLoadTest>>,
    clusters,
    said,
    seconds: (performance.now() - began) / 1_000,
  }
}

function outcomeOf(run: Awaited<ReturnType<typeof runLoadTest>>, claim: string, place: string) {
  const judged = judgeAll(planFor(platform), platform, run.snapshot)
  return judged.find(({ result }) => result.claim === claim && result.cluster === place)?.result
}

describe('a load test on simulated clusters', () => {
  test('finds the ratio that is there, gives verdicts, and leaves nothing', async () => {
    const { run, clusters, said, seconds } = await tested({}, { ratio: 1.2 })
    const [result] = run.findings.overhead.apps
    expect(result?.ran.map(({ reasons }) => reasons)).toEqual(Array.from({ length: plan.leastBlocks }, () => []))
    expect(run.findings.cross[0]?.ran.map(({ reasons }) => reasons)).toEqual(
      Array.from({ length: plan.cross.blocks }, () => []),
    )
    expect(outcomeOf(run, 'PERF-01', 'apps')).toMatchObject({ outcome: 'disputed', lookedAt: 3 })
    expect(run.findings.costs.underLoad.state).toBe('found')
    expect([clusters.infra.isEmpty, clusters.apps.isEmpty]).toEqual([true, true])
    expect(said.at(-1)).toMatch(/^ {2}everything of it is removed after/)
    expect(seconds).toBeLessThan(plan.budgetSeconds)
  })

  test.each<[string, Trouble, string]>([
    ['nothing was injected', { noInjection: true }, 'treated: only 0 of 1000 requests passed the treatment'],
    ['the control is meshed', { meshedControl: true }, 'control: 7200 requests passed the treatment'],
    ['kubelets are silent', { silentKubelets: true }, 'nobody says whether'],
    ['servers are throttled', { throttled: true }, 'was throttled'],
    ['servers restart', { restarts: true }, 'restarted'],
    ['the arms are swapped', { noInjection: true, meshedControl: true }, 'control: 7200 requests passed the treatment'],
    ['an arm is dead', { deadControl: true }, 'control: 400 of 400 requests failed'],
    ['the generator is saturated', { saturated: true }, 'k6 dropped 100 iterations'],
    [
      'an API server suffers',
      { ill: true },
      'the load was ended early: the API server of infra did not answer well (answered 500), 3 times in a row',
    ],
    ['k6 fails', { k6Fails: true }, 'ended with 107: script exception'],
  ])('has no verdict when %s', async (_, trouble, reason) => {
    const { run, clusters } = await tested(trouble, { ratio: 3 })
    expect(outcomeOf(run, 'PERF-01', 'apps')).toMatchObject({
      outcome: 'inconclusive',
      reason: expect.stringContaining(reason),
    })
    const all = judgeAll(planFor(platform), platform, run.snapshot).map(({ result }) => result)
    expect(exitCodeOf(all.filter(({ claim }) => claim === 'PERF-01').map(({ outcome }) => outcome))).toBe(2)
    expect(exitCodeOf(all.map(({ outcome }) => outcome))).toBe(2)
    expect([clusters.infra.isEmpty, clusters.apps.isEmpty]).toEqual([true, true])
  })

  test('shares the rate between several generators where the k6-operator is', async () => {
    const { run, clusters, said } = await tested({}, { ratio: 1.2, parallelism: 2 })
    const [result] = run.findings.overhead.apps
    expect(said[0]).toMatch(/k6 runs as a TestRun per arm, 2 generators each$/)
    expect(result?.ran.map(({ reasons }) => reasons)).toEqual(Array.from({ length: plan.leastBlocks }, () => []))
    expect(result?.ran.map(({ latencies }) => latencies.treated.count)).toEqual(result?.ran.map(() => 1_000))
    expect(outcomeOf(run, 'PERF-01', 'apps')).toMatchObject({ outcome: 'disputed', lookedAt: 3 })
    expect([clusters.infra.isEmpty, clusters.apps.isEmpty]).toEqual([true, true])
  })

  test('removes everything from a cluster that refuses at first, and says what is left of one that goes on', async () => {
    const patient = await tested({ refusals: 3 })
    expect([patient.clusters.infra.isEmpty, patient.clusters.apps.isEmpty]).toEqual([true, true])
    const { run } = await tested({ refusals: 10_000 })
    expect(run).toMatchObject({
      problem: { found: expect.stringMatching(/^the namespace conformance-load may still be there .*run pnpm sweep$/) },
    })
  })

  test('that is cancelled leaves nothing', async () => {
    const { run, clusters } = await tested({}, { cancel: true })
    expect(run).toMatchObject({ message: expect.stringContaining('cancelled') })
    expect([clusters.infra.isEmpty, clusters.apps.isEmpty]).toEqual([true, true])
  })
})
