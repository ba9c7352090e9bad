import type { Snapshot } from '../check/source.ts'
import type { ClusterName } from '../platform/platform.ts'
import type { RanBlock } from './batch.ts'
import { blockText } from './figures.ts'
import { snapshotOf } from './findings.ts'
import type { HoldRequest } from './held-clusters.ts'
import { clock, onHeldClusters } from './held-clusters.ts'
import type { Findings, LoadTest } from './measure.ts'
import { measure, readOnApps } from './measure.ts'
import type { TestPlan } from './plan.ts'
import { randomFrom } from './random.ts'
import { serversOn } from './servers.ts'

export type LoadTestRequest = Omit<HoldRequest, 'servers' | 'budgetSeconds'> & { plan: TestPlan; seed: number }

export type LoadTestRun = {
  snapshot: Snapshot
  findings: Findings
  counts: Record<ClusterName, { nodes: number; pods: number }>
  /** Why it ended before its time; undefined when it did not. */
  stopped: string | undefined
}

/** Measures on both clusters, and leaves nothing. What was measured when a stop condition ended it is returned. */
export async function runLoadTest(request: LoadTestRequest): Promise<LoadTestRun> {
  const { platform, plan, seed, say } = request
  const holding = { ...request, servers: serversOn, budgetSeconds: plan.budgetSeconds }
  const { result, counts, stopped } = await onHeldClusters(
    holding,
    ({ sites, counts: { apps } }, deadline) => readOnApps({ sites, nodesOfApps: apps.names }, deadline),
    (held, idle, deadline) => {
      const test: LoadTest = {
        sites: held.sites,
        nodesOfApps: held.counts.apps.names,
        plan,
        platform,
        random: randomFrom(seed),
        onBlock: (what, rate, ran) => say(blockLine(what, rate, ran, plan.budgetSeconds, held.passedMs())),
        onFailure: (what, reason) => say(`  ${what}: a batch came to nothing: ${reason}`),
      }
      return measure(test, idle, deadline)
    },
  )
  const shape = {
    seconds: plan.shape.seconds,
    crossSeconds: plan.cross.shape.seconds,
    seed,
    finishedAt: new Date(),
    stopped,
  }
  return { findings: result, stopped, counts, snapshot: snapshotOf(result, shape) }
}

/** One block of a load, with the time that is left. */
export function blockLine(
  what: string,
  rate: number,
  { block, reasons }: RanBlock,
  budgetSeconds: number,
  passedMs: number,
): string {
  const left = clock(Math.max(0, budgetSeconds * 1_000 - passedMs))
  return `  ${clock(passedMs)}, ${left} left at most   ${what} at ${rate}/s   ${blockText(block, reasons)}`
}
