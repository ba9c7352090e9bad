import { judge } from '../check/judge.ts'
import type { Judgement } from '../check/judge.ts'
import { messageOf } from '../check/error-message.ts'
import type { SetupProblem } from '../check/setup-error.ts'
import { SetupError } from '../check/setup-error.ts'
import type { Snapshot } from '../check/source.ts'
import type { Identity } from '../cluster/identity.ts'
import type { EmbeddedPair, Target } from '../cluster/target.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import { loadPlatform } from '../platform/platform.ts'
import { buildReport } from '../reporters/build-report.ts'
import { writeJudged, writeMetrics } from '../reporters/allure-judged.ts'
import { clearResults } from '../reporters/allure-unjudged.ts'
import { allureResults, publish } from '../reporters/publish.ts'
import type { Report } from '../reporters/report.ts'
import type { NamedCheck } from '../suites/chapters.ts'
import { chapterOf } from '../suites/chapters.ts'
import type { Judgement as Planned } from '../suites/plan.ts'
import { planOf } from '../suites/plan.ts'
import { plannedOf } from '../suites/to-report.ts'
import { withTarget } from '../suites/with-target.ts'
import { isCheck } from '../check/check.ts'
import * as checks from './checks.ts'
import * as dashboardChecks from './dashboard-checks.ts'
import { metricsOf, picturesFor, picturesOf, writeEvidence, writePictures } from './evidence-files.ts'
import { chooseForm, planWith } from './generators.ts'
import { runLoadTest } from './load-test.ts'
import type { LoadTestRun } from './load-test.ts'
import type { TestPlan } from './plan.ts'
import { boundsOf, boundsText } from './plan.ts'
import { onTarget } from './target-clusters.ts'
import { claimsOfLoads } from './to-report.ts'

export type LoadRunOptions = {
  version: string
  /** Folder of the reports, relative to the current one. */
  reports: string
  wanted: 'pair' | 'live'
  target: () => Target | EmbeddedPair
  plan: TestPlan
  seed: number
  /** k6 per arm, instead of what the configuration says. */
  generators?: number
}

/** The checks of this room, named like those of the chapters. */
export const loadChecks: readonly NamedCheck[] = [
  ...Object.entries<unknown>(checks),
  ...Object.entries<unknown>(dashboardChecks),
].flatMap(([name, value]) => {
  if (!isCheck(value)) return []
  const [claim = ''] = Object.values(value.claims)
  return [{ chapter: chapterOf(claim), name, check: value }]
})

type Seen = {
  kind: 'pair' | 'live'
  target?: Target
  identities?: Record<ClusterName, Identity>
  /** What plays on the pair. */
  programs?: Report['programs']
  test?: LoadTestRun
  measuringMs: number
}

/** One whole load test: clusters, loads, judgement, reports. Returns the exit code; a run that fails in set-up still reports. */
export async function run(options: LoadRunOptions): Promise<number> {
  const started = new Date()
  const platform = loadPlatform()
  const plan = planFor(platform)
  const seen: Seen = { kind: options.wanted, measuringMs: 0 }
  const leave = new AbortController()
  const stop = () => leave.abort(new Error('the load test was cancelled'))
  // Not once: a second signal must not end the removal.
  process.on('SIGINT', stop).on('SIGTERM', stop)
  let judgements: Judgement[] = []
  let failure: SetupProblem | undefined
  try {
    const chosen = options.target()
    seen.kind = chosen.kind
    const snapshot = await withTarget(chosen, platform, leave.signal, (target, programs) => {
      seen.programs = programs
      return measured(options, platform, target, seen, leave.signal)
    })
    judgements = judgeAll(plan, platform, snapshot)
  } catch (error) {
    failure = error instanceof SetupError ? error.problem : unexpected(error)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
  const report = buildReport({
    tool: { name: 'conformance load', version: options.version },
    document: platform.figures.document,
    target: seen.kind,
    startedAt: started.toISOString(),
    durationMs: Date.now() - started.getTime(),
    judgingMs: 0,
    observingMs: seen.measuringMs,
    ...(seen.programs === undefined ? {} : { programs: seen.programs }),
    clusters: { infra: clusterSeen('infra', seen), apps: clusterSeen('apps', seen) },
    claims: claimsOfLoads(platform, plan, started),
    planned: plannedOf(plan),
    results: judgements.map(({ result }) => result),
    interrupted: leave.signal.aborted,
    ...(failure === undefined ? {} : { setupFailure: failure }),
    filter: { claims: [...new Set(plan.map(({ claim }) => claim.id))], chapters: [] },
  })
  await keepEvidence(options, plan, judgements, seen, platform, started)
  await publish(report, options.reports)
  return report.exitCode
}

/** Histograms and pictures beside the report, and what Allure shows of the results. */
async function keepEvidence(
  { plan: { shape, cross }, seed, reports }: LoadRunOptions,
  plan: readonly Planned[],
  judgements: readonly Judgement[],
  { test }: Seen,
  platform: Platform,
  started: Date,
): Promise<void> {
  const resultsDir = allureResults(reports)
  await clearResults(resultsDir)
  if (!test) return
  const drawing = { seconds: shape.seconds, crossSeconds: cross.shape.seconds, seed }
  const pictures = picturesOf(test, drawing)
  await writePictures(pictures, reports)
  await writeEvidence(test, drawing, reports)
  const shown = judgements.flatMap((judgement) => {
    const planned = plan.find(({ id }) => id === judgement.result.check)
    return planned
      ? [{ ...judgement, claim: planned.claim, chapter: planned.chapter, pictures: picturesFor(judgement, pictures) }]
      : []
  })
  await writeJudged(shown, { resultsDir, document: platform.figures.document })
  await writeMetrics(metricsOf(test, drawing), { resultsDir, start: started.getTime(), stop: Date.now() })
}

/** Every check at every place; journeys only where the platform has some. */
export function planFor({ claims, figures }: Platform): Planned[] {
  return planOf(loadChecks, claims, { claims: [], chapters: [] }).filter(
    ({ name, place }) => name !== 'journeysMeetObjectives' || figures.journeys.some(({ cluster }) => cluster === place),
  )
}

export const judgeAll = (plan: readonly Planned[], platform: Platform, snapshot: Snapshot): Judgement[] =>
  plan.map(({ name, check, place }) => judge(name, check, place, { platform, snapshot, now: new Date() }))

const unexpected = (error: unknown): SetupProblem => ({
  what: 'running the load test',
  where: 'the suite itself',
  expected: 'no error outside of a measurement',
  found: messageOf(error),
  try: 'run it again; if it stays, it is a fault of the suite: report it with this text',
})

async function measured(
  { plan, seed, generators }: LoadRunOptions,
  platform: Platform,
  target: Target,
  seen: Seen,
  signal: AbortSignal,
): Promise<Snapshot> {
  seen.target = target
  const began = performance.now()
  try {
    return await onTarget(target, signal, async ({ connections, identities, settings, k6, lookDeadline }) => {
      seen.identities = identities
      const wanted = { generators: generators ?? settings.generators, isQuick: plan.aside === 'last', k6 }
      const form = await chooseForm(connections, wanted, lookDeadline())
      const fitted = planWith(form, plan)
      console.log(`${boundsText(boundsOf(fitted, platform.figures.journeys))}; seed ${seed}`)
      const given = { connections, platform, plan: fitted, settings, k6, form, seed, signal }
      seen.test = await runLoadTest({ ...given, say: console.log })
      return seen.test.snapshot
    })
  } finally {
    seen.measuringMs = performance.now() - began
  }
}

function clusterSeen(cluster: ClusterName, { identities, target, test }: Seen): Report['clusters']['infra'] {
  const identity = identities?.[cluster]
  if (!identity || !target) return null
  return {
    context: target.clusters[cluster].context,
    uid: identity.uid ?? 'unknown: kube-system may not be read',
    version: identity.version,
    nodes: test?.counts[cluster].nodes ?? 0,
    pods: test?.counts[cluster].pods ?? 0,
  }
}
