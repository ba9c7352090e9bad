import { exitCodeOf, exitCodes, worst } from '../check/outcome.ts'
import type { Result } from '../check/result.ts'
import { countOutcomes, schemaVersion, targetSentences } from './report.ts'
import type { Report, ReportedClaim, SetupFailure } from './report.ts'

/** One result that the run has to bring: a check at one place. */
export type Planned = { claim: string; check: string; cluster: Result['cluster'] }

/** A claim before it was judged. `notJudged` says why no check judges it in this run. */
export type ClaimToReport = Omit<ReportedClaim, 'outcome' | 'reason' | 'results'> & { notJudged?: string }

export type Run = Pick<
  Report,
  'tool' | 'document' | 'target' | 'startedAt' | 'durationMs' | 'judgingMs' | 'observingMs' | 'clusters'
> &
  Pick<Partial<Report>, 'readOnly' | 'filter' | 'setupFailure' | 'programs'> & {
    claims: ClaimToReport[]
    planned: Planned[]
    results: Result[]
    /** What went wrong in the run itself: files that could not be loaded, errors outside of any judgement. */
    errors?: string[]
    interrupted?: boolean
  }

/** Puts a run into its report: outcomes, counts, exit code. What was planned and what came have to be the same, else exit code 3. */
export function buildReport(run: Run): Report {
  const failure = run.setupFailure ?? failureOf(run)
  const claims = run.claims.map((claim) => reportClaim(claim, run, failure))
  const all = claims.map(({ outcome }) => outcome)
  const { tool, document, target, readOnly, startedAt, durationMs, judgingMs, observingMs, clusters, filter } = run
  return {
    schemaVersion,
    tool,
    document,
    target,
    simulated: target === 'pair',
    targetSentence: targetSentences[target],
    ...(run.programs === undefined ? {} : { programs: run.programs }),
    ...(readOnly === undefined ? {} : { readOnly }),
    startedAt,
    durationMs,
    judgingMs,
    observingMs,
    clusters,
    plannedIds: [...new Set([...run.claims, ...run.planned.map(({ claim }) => ({ id: claim }))].map(({ id }) => id))],
    claims,
    counts: countOutcomes(all),
    exitCode: failure ? exitCodes.setup : exitCodeOf(all),
    ...(failure ? { setupFailure: failure } : {}),
    ...(filter === undefined ? {} : { filter }),
  }
}

function reportClaim(
  { notJudged, ...claim }: ClaimToReport,
  run: Run,
  failure: SetupFailure | undefined,
): ReportedClaim {
  const results = run.results.filter((result) => result.claim === claim.id)
  const missing = missingOf(run).filter((planned) => planned.claim === claim.id)
  if (missing.length > 0 || (results.length === 0 && notJudged === undefined)) {
    const what = failure ? `set-up failed: ${failure.what}` : 'no result came'
    const places = missing.map(nameOf).join(', ')
    return {
      ...claim,
      results,
      outcome: worst([...results.map(({ outcome }) => outcome), 'inconclusive']),
      reason: `not judged${places && ` (${places})`}: ${what}`,
    }
  }
  if (results.length === 0) return { ...claim, results, outcome: 'unsupported', reason: notJudged ?? '' }
  const outcome = worst(results.map((result) => result.outcome))
  const deciding = results.filter((result) => result.outcome === outcome)
  return { ...claim, results, outcome, reason: [...new Set(deciding.map(({ reason }) => reason))].join('; ') }
}

const keyOf = ({ check, cluster }: Pick<Planned, 'check' | 'cluster'>) => `${check} on ${cluster}`
const nameOf = ({ check, cluster }: Planned) => (cluster === 'across' ? `${check} across` : keyOf({ check, cluster }))

function missingOf({ planned, results }: Run): Planned[] {
  const came = new Set(results.map(keyOf))
  return planned.filter((expected) => !came.has(keyOf(expected)))
}

/** The first thing that keeps this run from being a verdict. */
function failureOf(run: Run): SetupFailure | undefined {
  return (
    brokenRun(run) ?? interruptedRun(run) ?? missingResults(run) ?? unplannedResults(run) ?? claimsWithoutReason(run)
  )
}

function brokenRun({ errors = [] }: Run): SetupFailure | undefined {
  if (errors.length === 0) return undefined
  return {
    what: 'running the checks',
    where: 'the run itself, outside of any judgement',
    expected: 'no error',
    found: errors.join('\n'),
    try: 'mend what the error names; no verdict of this run counts before that',
  }
}

function interruptedRun(run: Run): SetupFailure | undefined {
  if (!run.interrupted) return undefined
  const missing = missingOf(run)
  return {
    what: 'running the checks',
    where: 'the run itself',
    expected: `${run.planned.length} results`,
    found: `the run was interrupted after ${run.planned.length - missing.length} of them`,
    try: 'run it again; what was judged before the interruption is in the report',
  }
}

function missingResults(run: Run): SetupFailure | undefined {
  const missing = missingOf(run)
  if (missing.length === 0) return undefined
  return {
    what: 'comparing what was planned with what was reported',
    where: 'the report of this run',
    expected: `a result of each of ${run.planned.length} planned checks`,
    found: `${missing.length} missing: ${missing.map(nameOf).join(', ')}`,
    try: 'look for a test that was skipped or lost; a claim without a result is never a pass',
  }
}

function unplannedResults({ claims, planned, results }: Run): SetupFailure | undefined {
  const ids = new Set(claims.map(({ id }) => id))
  const plannedKeys = new Set(planned.map(keyOf))
  const keys = results.map(keyOf)
  const wrong = results.flatMap((result, index) => {
    const key = keyOf(result)
    if (!ids.has(result.claim)) return [`${key}: claim ${result.claim} is not known`]
    if (!plannedKeys.has(key)) return [`${key}: was not planned`]
    return keys.indexOf(key) < index ? [`${key}: came twice`] : []
  })
  if (wrong.length === 0) return undefined
  return {
    what: 'comparing what was planned with what was reported',
    where: 'the report of this run',
    expected: 'only results that were planned, each once, each of a known claim',
    found: wrong.join(', '),
    try: 'give every check its own id, and claims of claims.yaml',
  }
}

function claimsWithoutReason({ claims, planned }: Run): SetupFailure | undefined {
  const judged = new Set(planned.map(({ claim }) => claim))
  const silent = claims.filter(({ id, notJudged }) => !judged.has(id) && notJudged === undefined)
  if (silent.length === 0) return undefined
  return {
    what: 'comparing what was planned with what was reported',
    where: 'the report of this run',
    expected: 'a check, or a reason why there is none, for every claim',
    found: `neither for ${silent.map(({ id }) => id).join(', ')}`,
    try: 'write the check, or say why the claim is not judged',
  }
}
