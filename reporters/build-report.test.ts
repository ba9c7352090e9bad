import { describe, expect, test } from 'vitest'
import type { Outcome } from '../check/outcome.ts'
import { buildReport, type ClaimToReport, type Run } from './build-report.ts'
import { reportSchema, verdictSentence } from './report.ts'
import { runOf, sampleResult, sampleRun } from './sample.ts'

const exitCodes: [Outcome, number][] = [
  ['conforms', 0],
  ['waived', 0],
  ['planned', 0],
  ['unsupported', 0],
  ['disputed', 0],
  ['inconclusive', 2],
  ['deviates', 1],
]

function withoutReason(claim: ClaimToReport): ClaimToReport {
  const copy = { ...claim }
  delete copy.notJudged
  return copy
}

/** The run with changes, as far as its failure goes. */
function failing(changes: Partial<Run>) {
  const report = buildReport({ ...sampleRun(), ...changes })
  return { exitCode: report.exitCode, found: report.setupFailure?.found }
}

describe('a report', () => {
  test.for(exitCodes)('of a claim that ends %s has exit code %d', ([outcome, exitCode]) => {
    const report = buildReport(runOf(outcome))
    expect(report.claims[0]?.outcome).toBe(outcome)
    expect(report.counts[outcome]).toBe(1)
    expect(report.exitCode).toBe(exitCode)
    expect(report).not.toHaveProperty('setupFailure')
  })

  test('fits its schema and counts every claim once', () => {
    const report = buildReport(sampleRun())
    expect(reportSchema.parse(report)).toEqual(report)
    expect(report.counts).toMatchInlineSnapshot(`
      {
        "conforms": 1,
        "deviates": 2,
        "disputed": 1,
        "inconclusive": 1,
        "planned": 1,
        "unsupported": 2,
        "waived": 1,
      }
    `)
    expect(report.plannedIds).toEqual(report.claims.map(({ id }) => id))
    expect(verdictSentence(report)).toMatchInlineSnapshot(`"1 of 9 sentences holds. 2 do not. 1 could not be judged."`)
  })

  test('gives a claim the worst outcome of its results, with the reason of that one', () => {
    const claim = buildReport(sampleRun()).claims.find(({ id }) => id === 'NET-09')
    expect(claim).toMatchObject({
      outcome: 'inconclusive',
      reason: 'looked at 0 CiliumBGPPeeringPolicies, needed 1: too few to judge',
    })
  })

  test('keeps a claim that no check judges as unsupported, with the reason it was given', () => {
    const claim = buildReport(sampleRun()).claims.find(({ id }) => id === 'DR-04')
    expect(claim).toMatchObject({ outcome: 'unsupported', reason: 'not judged: needs a drill', results: [] })
  })

  test('of a run that looked at nothing is inconclusive', () => {
    expect(buildReport(sampleRun({ claims: [], results: [] })).exitCode).toBe(2)
  })
})

describe('a run that failed', () => {
  test('in set-up has every claim in its report, and exit code 3', () => {
    const setupFailure = {
      what: 'connecting to apps',
      where: 'context apps, https://127.0.0.1:16443',
      expected: 'kube-system UID 91aa07de',
      found: 'connection refused',
      try: 'kubectl --context apps version',
    }
    const run = sampleRun()
    const report = buildReport({ ...run, results: [], clusters: { infra: null, apps: null }, setupFailure })
    expect(report.exitCode).toBe(3)
    expect(report.setupFailure).toEqual(setupFailure)
    expect(report.plannedIds).toEqual(run.claims.map(({ id }) => id))
    expect(report.claims.map(({ id, outcome, reason }) => `${id} ${outcome} ${reason}`)).toMatchInlineSnapshot(`
      [
        "TOPO-02 inconclusive not judged (TOPO-02/nodeNames on infra): set-up failed: connecting to apps",
        "NET-08 inconclusive not judged (NET-08/loadBalancerPool on apps): set-up failed: connecting to apps",
        "NET-09 inconclusive not judged (NET-09/announced on infra, NET-09/announced on apps): set-up failed: connecting to apps",
        "MESH-05 inconclusive not judged (MESH-05/proxyVersion on infra, MESH-05/proxyVersion on apps): set-up failed: connecting to apps",
        "MESH-12 inconclusive not judged (MESH-12/mirrored across): set-up failed: connecting to apps",
        "STO-05 inconclusive not judged (STO-05/usableSpace on infra, STO-05/usableSpace on apps): set-up failed: connecting to apps",
        "OBS-07 inconclusive not judged (OBS-07/retention on infra): set-up failed: connecting to apps",
        "RES-04 inconclusive not judged (RES-04/budget on infra): set-up failed: connecting to apps",
        "DR-04 unsupported not judged: needs a drill",
      ]
    `)
    expect(reportSchema.parse(report)).toEqual(report)
  })

  test('before anything was planned has every claim in its report too', () => {
    const { claims } = sampleRun()
    const setupFailure = { what: 'reading the configuration', where: 'x', expected: 'x', found: 'x', try: 'x' }
    const unplanned = claims.map(withoutReason)
    const report = buildReport(sampleRun({ claims: unplanned, results: [], setupFailure }))
    expect(new Set(report.claims.map(({ outcome, reason }) => `${outcome}: ${reason}`))).toEqual(
      new Set(['inconclusive: not judged: set-up failed: reading the configuration']),
    )
  })

  test('outside of any judgement says the errors', () => {
    const report = buildReport(sampleRun({ errors: ['suites/mesh.ts: Cannot find module', 'Unhandled: boom'] }))
    expect(report.exitCode).toBe(3)
    expect(report.setupFailure?.found).toBe('suites/mesh.ts: Cannot find module\nUnhandled: boom')
  })

  test('because it was interrupted says how far it came', () => {
    const run = sampleRun()
    const report = buildReport({ ...run, results: run.results.slice(0, 3), interrupted: true })
    expect(report.exitCode).toBe(3)
    expect(report.setupFailure?.found).toBe('the run was interrupted after 3 of them')
  })
})

describe('what was planned and what was reported', () => {
  const { results } = sampleRun()
  test('a result that never came is named, also when the other cluster brought one', () => {
    const lost = results.filter(({ check, cluster }) => !(check === 'MESH-05/proxyVersion' && cluster === 'apps'))
    expect(failing({ results: lost })).toEqual({ exitCode: 3, found: '1 missing: MESH-05/proxyVersion on apps' })
    const report = buildReport({ ...sampleRun(), results: lost })
    expect(report.claims.find(({ id }) => id === 'MESH-05')).toMatchObject({
      outcome: 'inconclusive',
      reason: expect.stringContaining('not judged (MESH-05/proxyVersion on apps)'),
    })
  })

  test('a claim without check and without reason is named', () => {
    const { claims } = sampleRun()
    const silent = claims.map(withoutReason)
    expect(failing({ claims: silent })).toEqual({ exitCode: 3, found: 'neither for DR-04' })
  })

  test('a result that nobody planned, of no known claim, or twice is named', () => {
    const [first] = results
    const more = [
      sampleResult({ claim: 'TOPO-99', check: 'TOPO-99/invented' }),
      sampleResult({ claim: 'TOPO-02', check: 'TOPO-02/unplanned' }),
      ...(first ? [first] : []),
    ]
    expect(failing({ results: [...results, ...more] })).toEqual({
      exitCode: 3,
      found:
        'TOPO-99/invented on infra: claim TOPO-99 is not known, TOPO-02/unplanned on infra: was not planned, TOPO-02/nodeNames on infra: came twice',
    })
  })
})
