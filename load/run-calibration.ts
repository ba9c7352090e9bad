import { messageOf } from '../check/error-message.ts'
import { exitCodes } from '../check/outcome.ts'
import { SetupError, describeProblem } from '../check/setup-error.ts'
import type { EmbeddedPair, Target } from '../cluster/target.ts'
import type { ClusterName } from '../platform/platform.ts'
import { loadPlatform } from '../platform/platform.ts'
import { withTarget } from '../suites/with-target.ts'
import type { ClusterFault } from './cluster-calibration.ts'
import { calibrateOn, calibrationBounds, calibrationServers, runsIn } from './cluster-calibration.ts'
import { writeCalibration } from './evidence-files.ts'
import type { RateResult } from './experiment.ts'
import { foundText } from './figures.ts'
import { onHeldClusters } from './held-clusters.ts'
import { blockLine } from './load-test.ts'
import { clusters } from './measure.ts'
import type { TestPlan } from './plan.ts'
import { minutesText } from './plan.ts'
import { randomFrom } from './random.ts'
import { onTarget } from './target-clusters.ts'

export type CalibrationOptions = {
  target: () => Target | EmbeddedPair
  plan: TestPlan
  runs: number
  fault: ClusterFault | undefined
  seed: number
  reports: string
}

/**
 * Two identical arms on both clusters, as often as is wanted: nothing is judged, only how often an interval misses that
 * there is no difference. With a fault there must be no result. Returns 0, 2 when a run had no result, 3 when it could
 * not begin or was cancelled.
 */
export async function runCalibration(options: CalibrationOptions): Promise<number> {
  const leave = new AbortController()
  const stop = () => leave.abort(new Error('the calibration was cancelled'))
  // Not once: a second signal must not end the removal.
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    return await withTarget(options.target(), loadPlatform(), leave.signal, (target) =>
      measured(options, target, leave.signal),
    )
  } catch (error) {
    console.error(error instanceof SetupError ? describeProblem(error.problem) : messageOf(error))
    return exitCodes.setup
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

function measured({ plan, runs, fault, seed, reports }: CalibrationOptions, target: Target, signal: AbortSignal) {
  const { requests, seconds } = calibrationBounds(plan, runs)
  const budgetSeconds = Math.ceil(seconds) + patienceSeconds
  console.log(
    `${requests} requests in about ${minutesText(seconds)} minutes, at most ${minutesText(budgetSeconds)}; seed ${seed}`,
  )
  return onTarget(target, signal, async ({ connections, settings, k6 }) => {
    const servers = calibrationServers(fault)
    const { result, stopped } = await onHeldClusters(
      {
        connections,
        platform: loadPlatform(),
        settings,
        k6,
        form: { kind: 'Job' },
        budgetSeconds,
        servers: { infra: servers, apps: servers },
        signal,
        say: console.log,
      },
      async () => {},
      async ({ sites, passedMs }, _, deadline) => {
        const [infra = [], apps = []] = await Promise.all(
          clusters.map((cluster, index) =>
            calibrateOn(
              sites[cluster],
              // With the same order of arms on both, what disturbs a machine that they share would count twice.
              { plan, runs, fault, random: randomFrom(seed + index) },
              {
                onBlock: (rate, ran) => console.log(blockLine(cluster, rate, ran, budgetSeconds, passedMs())),
                onFailure: (_rate, reason) => console.log(`  ${cluster}: a batch came to nothing: ${reason}`),
              },
              deadline,
            ),
          ),
        )
        return { infra, apps }
      },
    )
    const file = await writeCalibration(result, { seed, fault: fault ?? null, stopped: stopped ?? null }, reports)
    const code = tell(result, seed, runs)
    console.log(`  ${file}`)
    return code
  })
}
const patienceSeconds = 40

/** Every run as a line for each percentile, and at the end how many intervals miss that there is no difference. */
function tell(results: Record<ClusterName, RateResult[]>, seed: number, runs: number): number {
  const missed = new Map<string, number>()
  let withResult = 0
  for (const cluster of clusters)
    for (const [index, run] of results[cluster].flatMap((result) => runsIn(result, randomFrom(seed))).entries()) {
      for (const line of foundText(run)) console.log(`${cluster} run ${index + 1}  ${line}`)
      if (run.found) withResult += 1
      for (const [percentile, { ratio }] of Object.entries(run.found ?? {}))
        missed.set(percentile, (missed.get(percentile) ?? 0) + (ratio.lower > 1 || ratio.upper < 1 ? 1 : 0))
    }
  const wanted = clusters.length * runs
  const misses = [...missed].map(([percentile, count]) => `${percentile} ${count}`).join(', ') || 'none'
  console.log(`${wanted} runs, ${wanted - withResult} without a result; intervals that miss "no difference": ${misses}`)
  return withResult < wanted ? exitCodes.inconclusive : exitCodes.conforming
}
