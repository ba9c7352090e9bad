import { describe, expect, test } from 'vitest'
import { loadPlatform } from '../platform/platform.ts'
import type { Sighting } from './clocks/sightings.ts'
import { judgeRun } from './judge-run.ts'
import { readScenarios } from './read-scenarios.ts'
import { resultsOf } from './results.ts'
import type { Run } from './run-record.ts'

const platform = loadPlatform()
const scenarios = readScenarios(platform.claims)
const scenario = (id: string) => {
  const found = scenarios.find((candidate) => candidate.id === id)
  if (!found) throw new Error(`no scenario ${id}`)
  return found
}

/** A log of 200 ms with one outage, by seconds after the injection at 10 s. */
function log(down: [number, number] | undefined, seconds: number, periodMs = 200) {
  const injectedAt = 10_000
  return Array.from({ length: ((10 + seconds) * 1_000) / periodMs }, (_, sequence) => {
    const sentAt = sequence * periodMs
    const ok = down === undefined || sentAt < injectedAt + down[0] * 1_000 || sentAt >= injectedAt + down[1] * 1_000
    return { sequence, scheduledAt: sentAt, sentAt, endedAt: sentAt + 4, ok }
  })
}

const sightings = (replacedAfter: number | undefined, seconds: number): Sighting[] =>
  Array.from({ length: seconds * 2 }, (_, index) => {
    const sentAt = 10_000 + index * 500
    return { sentAt, endedAt: sentAt + 20, holds: replacedAfter !== undefined && index * 500 >= replacedAfter * 1_000 }
  })

function run(id: string, changes: Partial<Run> = {}): Run {
  return {
    id: 'e-1',
    scenario: scenario(id),
    target: 'pair',
    simulated: true,
    uids: {},
    startedAt: '2026-01-01T12:00:00.000Z',
    targets: [],
    inject: { lower: 10_000, upper: 10_005 },
    journeys: [],
    detected: [],
    victims: [],
    witnesses: [],
    residue: [],
    ...changes,
  }
}

const nodeLoss = (quick: [number, number], usual: [number, number], replaced: number | undefined) =>
  run('node-loss', {
    journeys: [
      { id: 'quick', periodMs: 200, log: log(quick, 450) },
      { id: 'usual', periodMs: 200, log: log(usual, 450) },
    ],
    victims: [
      { subject: 'Pod demo/echo-1', owner: 'echo', sightings: sightings(replaced, 400), replacedBy: 'Pod demo/echo-2' },
    ],
  })

const verdicts = (record: Run) => judgeRun(record, platform.figures).judged.map(({ verdict }) => verdict.kind)
const outcomes = (record: Run) =>
  resultsOf(record, judgeRun(record, platform.figures), platform, new Date('2026-01-01')).map(
    ({ check, outcome }) => `${check} ${outcome}`,
  )

describe('a run is judged from its record', () => {
  test('the loss of a node: 30 s of toleration meet the objective, 300 s miss it, which the document leads to', () => {
    const record = nodeLoss([1, 85], [1, 352], 352)
    expect(verdicts(record)).toEqual(['pass', 'fail', 'fail'])
    expect(outcomes(record)).toEqual([
      'DR-07/node-loss-outage-quick conforms',
      'DR-07/node-loss-outage-usual disputed',
      'DR-07/node-loss-replacement disputed',
    ])
  })

  test('a pod that was not replaced by the end misses the objective when it was watched for longer', () => {
    expect(verdicts(nodeLoss([1, 85], [1, 100], undefined))).toEqual(['pass', 'pass', 'fail'])
  })

  test('failures before everything was well say nothing of the fault', () => {
    const early = log([-10, -7], 30)
    const late = log([1, 5], 30)
    const both = late.map((attempt, index) => ({ ...attempt, ok: attempt.ok && (early[index]?.ok ?? true) }))
    const journeys = [{ id: 'echo', periodMs: 200, log: both }]
    const measured = (changes: Partial<Run>) =>
      judgeRun(echo(undefined, { journeys, ...changes }), platform.figures).judged[0]?.measured[0]?.range
    // The first attempt failed, so nobody knows since when it did.
    expect(measured({})?.upper).toBe(Infinity)
    const { lower = 0, upper = Infinity } = measured({ steadyFrom: 4_000 }) ?? {}
    expect([lower, upper].map((ms) => Math.round(ms / 1_000))).toEqual([4, 4])
  })

  const echo = (down: [number, number] | undefined, changes: Partial<Run> = {}) =>
    run('echo-pod-loss', {
      journeys: [{ id: 'echo', periodMs: 200, log: log(down, 30) }],
      victims: [
        { subject: 'Pod demo/echo-1', owner: 'echo', sightings: sightings(3, 20), replacedBy: 'Pod demo/echo-2' },
      ],
      ...changes,
    })

  test('the loss of a pod, with its clocks from the injection on', () => {
    const { clocks, judged, effects } = judgeRun(echo([0.5, 3]), platform.figures)
    expect(judged.map(({ verdict }) => verdict.kind)).toEqual(['pass', 'pass'])
    expect(clocks.impact?.lower).toBeLessThanOrEqual(500)
    expect(clocks.serve?.upper).toBeGreaterThanOrEqual(3_000)
    expect(clocks.redundant).toEqual({ lower: 2_495, upper: 3_020 })
    expect(effects).toContain('Pod demo/echo-1 was replaced by Pod demo/echo-2')
  })

  test('without any mark of the fault there is no effect, and no pass', () => {
    expect(verdicts(echo(undefined, { victims: [] }))).toEqual(['no effect', 'no effect'])
  })

  test('a replaced pod without an outage passes: there is an independent witness', () => {
    expect(verdicts(echo(undefined))).toEqual(['pass', 'pass'])
  })

  test('residue, a prober that died, a stop and a refusal are never a pass', () => {
    expect(verdicts(echo([0.5, 3], { residue: ['+ Node apps-01 cordoned'] }))).toEqual(['inconclusive', 'inconclusive'])
    const journeys = [{ id: 'echo', periodMs: 200, log: log([0.5, 3], 30), failure: 'it died' }]
    expect(verdicts(echo([0.5, 3], { journeys }))).toEqual(['inconclusive', 'inconclusive'])
    expect(verdicts(echo([0.5, 3], { stopped: 'the file STOP says: enough' }))).toEqual(['aborted', 'aborted'])
    expect(verdicts(echo(undefined, { notRun: 'refused (unarmed)' }))).toEqual(['not run', 'not run'])
    expect(outcomes(echo(undefined, { notRun: 'refused' }))).toEqual([
      'DR-06/echo-pod-loss-outage inconclusive',
      'DR-06/echo-pod-loss-replacement inconclusive',
    ])
  })

  const cut = (changes: Partial<Run>) =>
    run('link-cut', {
      faultEnd: { lower: 30_000, upper: 30_010 },
      journeys: [
        { id: 'catalog', periodMs: 200, log: log(undefined, 60) },
        { id: 'echo', periodMs: 200, log: log(undefined, 60) },
        { id: 'cross', periodMs: 200, log: log([0.1, 23], 60) },
      ],
      ...changes,
    })

  test('what stays untouched needs a fault that somebody saw; healing counts from the end of the fault', () => {
    const { judged } = judgeRun(cut({ witnesses: ['the nodes dropped 9 packets at the cut'] }), platform.figures)
    expect(judged.map(({ verdict }) => verdict.kind)).toEqual(['pass', 'pass', 'pass'])
    expect(judged[2]?.measured[0]?.range.lower).toBeLessThanOrEqual(3_000)
    expect(judged[2]?.measured[0]?.range.upper).toBeGreaterThanOrEqual(3_000)
    expect(judged[2]?.measured[0]?.range.upper).toBeLessThan(4_000)
    const silent = cut({ journeys: cut({}).journeys.map((journey) => ({ ...journey, log: log(undefined, 60) })) })
    expect(verdicts(silent)).toEqual(['no effect', 'no effect', 'no effect'])
  })

  test('one failed operation is a touch', () => {
    const journeys = cut({}).journeys.map((journey) =>
      journey.id === 'catalog' ? { ...journey, log: log([5, 5.2], 60) } : journey,
    )
    expect(verdicts(cut({ journeys }))).toEqual(['fail', 'pass', 'pass'])
  })

  test('what a prober did not see may have been an outage: a short gap widens the interval, a long one is no pass', () => {
    const withGap = (seconds: number) => {
      const whole = log([0.5, 3], 100)
      const seen = whole.filter(({ sentAt }) => sentAt < 20_000 || sentAt > 20_000 + seconds * 1_000)
      return judgeRun(echo([0.5, 3], { journeys: [{ id: 'echo', periodMs: 200, log: seen }] }), platform.figures)
        .judged[0]
    }
    expect(withGap(4)?.verdict.kind).toBe('pass')
    expect(withGap(4)?.measured[0]?.range.upper).toBeGreaterThan(6_000)
    expect(withGap(60)?.verdict.kind).toBe('inconclusive')
  })

  test('a gap is enough to doubt that nothing failed', () => {
    const journeys = cut({}).journeys.map((journey) =>
      journey.id === 'catalog'
        ? { ...journey, log: journey.log.filter(({ sentAt }) => sentAt < 20_000 || sentAt > 22_000) }
        : journey,
    )
    expect(verdicts(cut({ journeys }))).toEqual(['inconclusive', 'pass', 'pass'])
  })
})

describe('a cluster that was rebuilt', () => {
  const ended = { lower: 100_000, upper: 101_000 }
  const phase = (id: 'loss' | 'machines' | 'data' | 'link', done = true) => ({
    id,
    by: 'suite' as const,
    budgetSeconds: 300,
    began: 10_000,
    seen: 'nodes Ready 2/3',
    ...(done ? { ended } : {}),
  })
  const rebuilt = (phases: ReturnType<typeof phase>[], down: [number, number] | undefined) =>
    judgeRun(
      run('cluster-rebuild', {
        journeys: ['catalog', 'database'].map((id) => ({ id, periodMs: 500, log: log(down, 300, 500) })),
        rebuilt: { uidBefore: 'old', uid: 'new', phases },
        witnesses: ['cluster old is gone, new is in its place'],
      }),
      platform.figures,
    )

  test('is judged by the outage that its users felt, and says how long each phase took', () => {
    const { judged, findings } = rebuilt([phase('loss'), phase('link')], [1, 200])
    expect(judged[0]?.verdict).toMatchObject({ kind: 'pass', reason: expect.stringContaining('14400 s') })
    // Nothing says that anything was restored.
    expect(judged[1]?.verdict.kind).toBe('inconclusive')
    expect(findings).toContain('phase link took 91 s of 300 s by the suite: nodes Ready 2/3')
  })

  test('has met nothing while a phase was never done, however well it looks', () => {
    const { judged } = rebuilt([phase('loss'), phase('machines', false)], [1, 200])
    expect(judged[0]?.verdict).toEqual({
      kind: 'inconclusive',
      reason: 'phase machines was never done (by the suite): nodes Ready 2/3',
    })
  })

  test('that nobody missed and nobody saw gone proves nothing', () => {
    const nobody = judgeRun(
      run('cluster-rebuild', {
        journeys: ['catalog', 'database'].map((id) => ({ id, periodMs: 500, log: log(undefined, 300, 500) })),
        rebuilt: { uidBefore: 'same', uid: 'same', phases: [phase('loss'), phase('link')] },
      }),
      platform.figures,
    )
    expect(nobody.judged[0]?.verdict.kind).toBe('no effect')
  })
})
