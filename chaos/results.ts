import type { Result } from '../check/result.ts'
import { settle } from '../check/judge.ts'
import type { Platform } from '../platform/platform.ts'
import type { Measured, Verdict } from './clocks/verdict.ts'
import { rangeNumbers, rangeText, seconds } from './clocks/verdict.ts'
import type { Judged, JudgedRun } from './judge-run.ts'
import { objectiveSeconds } from './judge-run.ts'
import type { Run } from './run-record.ts'
import type { Scenario, ScenarioJudgement } from './scenario.ts'

/** A result that a scenario has to bring: one per judgement that is about a claim. */
export type PlannedResult = { claim: string; check: string; cluster: Result['cluster'] }

const isAboutClaim = (judgement: ScenarioJudgement): judgement is ScenarioJudgement & { claim: string } =>
  judgement.claim !== undefined

/** Ids are stable: claim, scenario and what was measured. */
const checkOf = (claim: string, scenario: Scenario, { by, journeys = [] }: ScenarioJudgement) =>
  `${claim}/${[scenario.id, by, ...journeys].join('-')}`

export const plannedResultsOf = (scenarios: readonly Scenario[]): PlannedResult[] =>
  scenarios.flatMap((scenario) =>
    scenario.judge.filter(isAboutClaim).map((judgement) => ({
      claim: judgement.claim,
      check: checkOf(judgement.claim, scenario, judgement),
      cluster: scenario.cluster,
    })),
  )

/** Only `pass` conforms; what was not carried out or left no mark judges nothing. */
export const judgedAs: Record<Verdict['kind'], Result['judgedAs']> = {
  pass: 'conforms',
  fail: 'deviates',
  inconclusive: 'inconclusive',
  'no effect': 'inconclusive',
  aborted: 'inconclusive',
  'not run': 'inconclusive',
}

/** The results of a run, in the form of every other check. */
export function resultsOf(run: Run, judged: JudgedRun, platform: Platform, now: Date): Result[] {
  return judged.judged.flatMap((one) => {
    const { judgement } = one
    if (!isAboutClaim(judgement)) return []
    return [resultOf(run, one, judgement, platform, now)]
  })
}

function resultOf(
  run: Run,
  { verdict, measured }: Judged,
  judgement: ScenarioJudgement & { claim: string },
  platform: Platform,
  now: Date,
): Result {
  const { scenario } = run
  const claim = platform.claims.find(({ id }) => id === judgement.claim)
  if (!claim) throw new Error(`${scenario.id}: claim ${judgement.claim} is not in claims.yaml`)
  const seen = {
    judgedAs: judgedAs[verdict.kind],
    reason: `${scenario.id}: ${verdict.kind}: ${verdict.reason}`,
    disputed: judgement.disputed,
  }
  const maxSeconds = objectiveSeconds(platform.figures, judgement.objective)
  const { outcome, reason } = settle(seen, claim, scenario.cluster, { platform, now })
  return {
    claim: claim.id,
    check: checkOf(claim.id, scenario, judgement),
    fact: judgement.fact,
    cluster: scenario.cluster,
    outcome,
    judgedAs: seen.judgedAs,
    reason,
    population: populationOf(judgement),
    lookedAt: lookedAtBy(judgement, run, measured),
    needed: 1,
    expected: expectedOf(judgement, maxSeconds),
    deviations: seen.judgedAs === 'deviates' ? deviationsOf(run, verdict, measured, maxSeconds * 1_000) : [],
    figures: measured.map(({ what, range }) => ({
      name: what,
      unit: 'seconds',
      documented: maxSeconds,
      observed: rangeNumbers(range),
    })),
    durationMs: durationOf(run),
    method: 'fault',
  }
}

const populationOf = ({ by }: ScenarioJudgement) =>
  by === 'replacement' ? 'lost pods' : by === 'restored' ? 'restored rows' : 'journeys'

function lookedAtBy({ by }: ScenarioJudgement, run: Run, measured: readonly Measured[]): number {
  if (by === 'untouched') return run.journeys.length
  return by === 'restored' ? (run.restored?.rows.length ?? 0) : measured.length
}

const expectedOf = ({ by }: ScenarioJudgement, maxSeconds: number) =>
  by === 'untouched'
    ? 'no failed operation'
    : by === 'restored'
      ? `every acknowledged row, as it was, in less than ${seconds(maxSeconds * 1_000)}`
      : `less than ${seconds(maxSeconds * 1_000)}`

function deviationsOf(
  run: Run,
  verdict: Verdict,
  measured: readonly Measured[],
  objectiveMs: number,
): Result['deviations'] {
  const cluster = run.scenario.cluster === 'across' ? 'infra' : run.scenario.cluster
  const missed = measured.filter(({ range }) => range.lower >= objectiveMs)
  if (missed.length === 0) return [{ subject: run.scenario.what, cluster, found: verdict.reason }]
  return missed.map(({ what, range }) => ({ subject: what, cluster, found: `took ${rangeText(range)}` }))
}

function durationOf({ inject, watchedUntil }: Run): number {
  return inject && watchedUntil !== undefined ? Math.max(0, watchedUntil - inject.lower) : 0
}
