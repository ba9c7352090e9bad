import { deadlineIn } from '../check/deadline.ts'
import { identify } from '../cluster/identity.ts'
import type { Claim, ClusterName, Platform } from '../platform/platform.ts'
import type { Picture } from '../reporters/allure-judged.ts'
import type { ClaimToReport } from '../reporters/build-report.ts'
import { buildReport } from '../reporters/build-report.ts'
import type { Judged } from '../reporters/judged.ts'
import type { Report } from '../reporters/report.ts'
import { sentenceOf } from '../suites/to-report.ts'
import { isCurrent, readNodes, readPods } from './cluster-reads.ts'
import { freshnessResults, plannedFreshness } from './drill/results.ts'
import type { Field } from './field.ts'
import { runPicture } from './picture.ts'
import type { PlannedResult } from './results.ts'
import { plannedResultsOf, resultsOf } from './results.ts'
import type { Done } from './run-scenarios.ts'
import type { Scenario } from './scenario.ts'

const lookMs = 30_000

type Told = { scenarios: readonly Scenario[]; field: Field; platform: Platform; version: string; started: Date }

/** A report of the usual form: what was planned are the claims of the scenarios, and each has to come. */
export async function reportOf(
  done: readonly Done[],
  { scenarios, field, platform, version, started }: Told,
): Promise<Report> {
  const planned = [...plannedResultsOf(scenarios), ...plannedFreshness]
  const now = new Date()
  const clusters = { infra: await clusterSeen('infra', field), apps: await clusterSeen('apps', field) }
  return buildReport({
    tool: { name: 'conformance', version },
    document: platform.figures.document,
    target: field.target,
    startedAt: started.toISOString(),
    durationMs: Date.now() - started.getTime(),
    judgingMs: 0,
    observingMs: Date.now() - started.getTime(),
    clusters,
    claims: platform.claims.map((claim) => claimToReport(claim, planned)),
    planned,
    results: [
      ...done.flatMap(({ run, judged }) => resultsOf(run, judged, platform, now)),
      ...(await freshnessResults(field, { infra: clusters.infra?.uid, apps: clusters.apps?.uid }, now)),
    ],
  })
}

/** The results of faults as Allure shows them, each with the time line of its run. */
export function shownOf(
  { claims }: Report,
  done: readonly Done[],
  platform: Platform,
): (Judged & { pictures: Picture[] })[] {
  return claims.flatMap(({ id, chapter, results }) => {
    const claim = platform.claims.find((one) => one.id === id)
    return results.flatMap((result) => {
      const of = done.find(({ run }) => result.check.startsWith(`${id}/${run.scenario.id}-`))
      if (!claim || !of) return []
      const picture = { name: `time line of ${of.run.scenario.id}`, svg: runPicture(of.run, of.judged) }
      return [{ result, claim, chapter, subjects: [], pictures: of.run.notRun === undefined ? [picture] : [] }]
    })
  })
}

function claimToReport(claim: Claim, planned: readonly PlannedResult[]): ClaimToReport {
  const isPlanned = planned.some(({ claim: id }) => id === claim.id)
  const used = plannedFreshness.some(({ claim: id }) => id === claim.id) ? 'api' : 'fault'
  const byFault = claim.method.includes('fault')
  return {
    ...sentenceOf(claim),
    methods: {
      judged: isPlanned ? [used] : [],
      open: claim.method.filter((method) => !(isPlanned && method === used)),
    },
    ...(isPlanned
      ? {}
      : {
          notJudged: byFault ? whyNot(claim.id) : 'not judged by faults',
        }),
  }
}

/** What a claim would need that no scenario has; for the rest a scenario may be written. */
const needs: Record<string, string> = {
  'GIT-05': 'needs the controllers of Flux, which stand-ins play on the pair',
  'STO-11': 'needs replicated storage: disks that can be lost, and Ceph on them',
  'DR-09': 'needs the GitOps repository and empty machines',
  'NET-04': 'needs the router that the nodes peer with',
}
const whyNot = (id: string): string => {
  const need = needs[id]
  return need === undefined ? 'not judged: no scenario of this run breaks what it speaks of' : `not judged: it ${need}`
}

async function clusterSeen(cluster: ClusterName, field: Field): Promise<Report['clusters']['infra']> {
  const connection = field.connections[cluster]
  const { contexts, connections, kubeconfig, target } = field
  try {
    const deadline = deadlineIn(lookMs)
    const clusters = { infra: { context: contexts.infra }, apps: { context: contexts.apps } }
    const identities = await identify({ kind: target, because: '', kubeconfig, clusters }, connections, deadline)
    const { uid, version } = identities[cluster]
    return {
      context: contexts[cluster],
      uid: uid ?? 'unknown: kube-system may not be read',
      version,
      nodes: (await readNodes(connection, deadline)).length,
      pods: (await readPods(connection, deadline)).filter(isCurrent).length,
    }
  } catch {
    return null
  }
}
