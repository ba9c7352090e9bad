import type { Reporter } from 'vitest/node'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { SetupProblem } from '../check/setup-error.ts'
import { SetupError } from '../check/setup-error.ts'
import type { Snapshot } from '../check/source.ts'
import { connect } from '../cluster/connection.ts'
import type { Identity } from '../cluster/identity.ts'
import { identify } from '../cluster/identity.ts'
import { nodes, pods } from '../cluster/kinds/core.ts'
import { lookAtClusters } from '../cluster/look.ts'
import type { EmbeddedPair, Target } from '../cluster/target.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import { loadPlatform } from '../platform/platform.ts'
import { ConformanceAllureReporter } from '../reporters/allure.ts'
import { clearResults } from '../reporters/allure-unjudged.ts'
import { buildReport } from '../reporters/build-report.ts'
import { createConformanceCollector } from '../reporters/conformance.ts'
import { allureResults, publish } from '../reporters/publish.ts'
import type { Report } from '../reporters/report.ts'
import { allChecks } from './chapters.ts'
import type { Filter, Judgement } from './plan.ts'
import { planOf, sourcesOf, validFilter } from './plan.ts'
import { claimsToReport, plannedOf } from './to-report.ts'
import { withTarget } from './with-target.ts'

/** Lists, probes and everything that is done with them. */
const lookBudgetMs = 240_000
const noFilter: Filter = { claims: [], chapters: [] }

export type RunOptions = {
  root: string
  version: string
  /** Folder of the reports, relative to the current one. */
  reports: string
  filter: Filter
  readOnly: boolean
  /** What was asked for, in case that it cannot be found. */
  wanted: 'pair' | 'live'
  target: () => Target | EmbeddedPair
}

type Seen = {
  identities?: Record<ClusterName, Identity>
  snapshot?: Snapshot
  target?: Target
  kind: 'pair' | 'live'
  programs?: Report['programs']
  judgingMs: number
  observingMs: number
}
type Collected = ReturnType<ReturnType<typeof createConformanceCollector>['collected']>

/** One whole run: clusters, snapshot, judgement, reports. Returns the exit code; a run that fails in set-up still reports. */
export async function run(options: RunOptions): Promise<number> {
  const started = new Date()
  const platform = loadPlatform()
  const seen: Seen = { kind: options.wanted, judgingMs: 0, observingMs: 0 }
  let collected: Collected = { results: [], errors: [], interrupted: false }
  let failure: SetupProblem | undefined
  let plan: Judgement[] = []
  const leave = new AbortController()
  const stop = () => leave.abort(new Error('the run was cancelled'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  await clearResults(allureResults(options.reports))
  try {
    plan = planOf(allChecks, platform.claims, validFilter(options.filter, platform.claims))
    const chosen = options.target()
    seen.kind = chosen.kind
    collected = await withTarget(chosen, platform, leave.signal, (target, programs) => {
      seen.target = target
      if (programs) seen.programs = programs
      return judgeAll(options, platform, plan, seen, leave.signal)
    })
  } catch (error) {
    failure = error instanceof SetupError ? error.problem : unexpected(error)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
  const all = planOf(allChecks, platform.claims, noFilter)
  const report = buildReport({
    tool: { name: 'conformance', version: options.version },
    document: platform.figures.document,
    target: seen.kind,
    readOnly: options.readOnly,
    startedAt: started.toISOString(),
    durationMs: Date.now() - started.getTime(),
    judgingMs: seen.judgingMs,
    observingMs: seen.observingMs,
    clusters: { infra: clusterSeen('infra', seen), apps: clusterSeen('apps', seen) },
    claims: claimsToReport(platform, plan, all, options.filter, started),
    planned: plannedOf(plan),
    results: collected.results,
    ...(seen.programs === undefined ? {} : { programs: seen.programs }),
    errors: collected.errors,
    interrupted: collected.interrupted || leave.signal.aborted,
    ...(failure === undefined ? {} : { setupFailure: failure }),
    ...(options.filter.claims.length + options.filter.chapters.length === 0
      ? {}
      : { filter: { claims: [...options.filter.claims], chapters: [...options.filter.chapters] } }),
  })
  await publish(report, options.reports)
  return report.exitCode
}

const unexpected = (error: unknown): SetupProblem => ({
  what: 'running the checks',
  where: 'the suite itself',
  expected: 'no error outside of a judgement',
  found: messageOf(error),
  try: 'run it again; if it stays, it is a fault of the suite: report it with this text',
})

async function judgeAll(
  options: RunOptions,
  platform: Platform,
  plan: Judgement[],
  seen: Seen,
  signal: AbortSignal,
): Promise<Collected> {
  const { target } = seen
  if (!target) throw new Error('judging began without a target')
  const began = performance.now()
  const deadline = deadlineIn(lookBudgetMs, signal)
  const connections = {
    infra: await connect(target.kubeconfig, target.clusters.infra.context),
    apps: await connect(target.kubeconfig, target.clusters.apps.context),
  }
  let listedAt = began
  let asOf = new Date()
  try {
    seen.identities = await identify(target, connections, deadline)
    seen.snapshot = await lookAtClusters(connections, sourcesOf(plan), {
      names: platform.names,
      deadline,
      readOnly: options.readOnly,
      probeImage: target.probeImage,
      onListed: () => {
        listedAt = performance.now()
        asOf = new Date()
      },
      tell: (text) => console.log(`  ${text}`),
    })
  } finally {
    await Promise.all([connections.infra.close(), connections.apps.close()])
  }
  seen.observingMs = performance.now() - listedAt
  const collected = await judgeInVitest(options, { snapshot: seen.snapshot, asOf }, target, platform.figures.document)
  seen.judgingMs = performance.now() - began - seen.observingMs
  return collected
}

async function judgeInVitest(
  { root, filter, reports }: RunOptions,
  { snapshot, asOf }: { snapshot: Snapshot; asOf: Date },
  { clusters }: Target,
  document: Platform['figures']['document'],
): Promise<Collected> {
  const collector = createConformanceCollector()
  const contexts = { infra: clusters.infra.context, apps: clusters.apps.context }
  const allure: Reporter = new ConformanceAllureReporter({ resultsDir: allureResults(reports), document })
  const exitCode = process.exitCode
  const { startVitest } = await import('vitest/node')
  const vitest = await startVitest('test', [], {
    root,
    watch: false,
    project: ['conformance'],
    reporters: [collector.reporter, allure],
    provide: { conformance: { snapshot, filter, now: asOf.toISOString(), contexts } },
  })
  await vitest.close()
  // Vitest counts deviations as failed tests; the exit code of a run is decided by its report.
  process.exitCode = exitCode
  return collector.collected()
}

function clusterSeen(cluster: ClusterName, { identities, snapshot, target }: Seen): Report['clusters']['infra'] {
  const identity = identities?.[cluster]
  if (!identity || !target) return null
  const count = (id: string) => {
    const listing = snapshot?.[cluster][id]
    return listing?.state === 'listed' ? listing.items.length : 0
  }
  return {
    context: target.clusters[cluster].context,
    uid: identity.uid ?? 'unknown: kube-system may not be read',
    version: identity.version,
    nodes: count(nodes.id),
    pods: count(pods.id),
  }
}
