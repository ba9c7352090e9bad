import type { Listing, Snapshot } from '../check/source.ts'
import type { RanBlock } from './batch.ts'
import type { Arm } from './blocks.ts'
import { arms, differencesOf, ratiosOf } from './blocks.ts'
import type { ProxyCost } from './costs.ts'
import type { RateResult } from './experiment.ts'
import { countedOf } from './experiment.ts'
import type { JourneyRun } from './journeys.ts'
import type { Percentile } from './latencies.ts'
import { Latencies, fewestRequestsFor, percentiles } from './latencies.ts'
import type { Findings, Found } from './measure.ts'
import type { Compared } from './sources.ts'
import { dashboardListing, tapListing } from './shown.ts'
import {
  addedLatency,
  crossClusterLatency,
  dashboardFigures,
  journeyLoads,
  knownLoad,
  loadTest,
  proxyCosts,
  tappedRequests,
} from './sources.ts'

const listed = (items: readonly unknown[]): Listing => ({ state: 'listed', items })

/** All requests of an arm in the blocks that count, in one histogram. */
export function mergedOf(counted: readonly RanBlock[], arm: Arm): Latencies {
  const merged = new Latencies()
  for (const { latencies } of counted) merged.add(latencies[arm])
  return merged
}

/** One item per percentile. Those that the load was too small for say so. */
export function comparedOf(result: RateResult, seconds: number, seed: number, stopped?: string): Compared[] {
  const counted = countedOf(result)
  const blocks = counted.map(({ block }) => block)
  const [treated, control] = arms.map((arm) => mergedOf(counted, arm))
  const asked = result.rate * seconds
  return percentiles.map((percentile): Compared => {
    const at = (merged: Latencies | undefined) =>
      merged && merged.count > 0 ? merged.percentiles()[percentile] : undefined
    const [treatedMs, controlMs] = [at(treated), at(control)]
    const isTold = result.judged.includes(percentile)
    return {
      metadata: { name: `${percentile} at ${result.rate} requests per second` },
      rate: result.rate,
      percentile,
      ratios: isTold ? ratiosOf(blocks, percentile) : [],
      differencesMs: isTold ? differencesOf(blocks, percentile) : [],
      ...(treatedMs === undefined ? {} : { treatedMs }),
      ...(controlMs === undefined ? {} : { controlMs }),
      voided: [
        ...(stopped === undefined ? [] : [`the load was ended early: ${stopped}`]),
        ...result.ran.flatMap(({ reasons }) => reasons),
        ...result.failures,
      ],
      ...(isTold ? {} : { lacking: tooFew(asked, percentile) }),
      seed,
      isStandIn: result.isStandIn,
    }
  })
}

const tooFew = (asked: number, percentile: Percentile) =>
  `${asked} requests per arm and block are too few for a ${percentile}: ${fewestRequestsFor[percentile]} at least`

/** What checks read, from what was found. `stopped`: why the test ended before its time. */
export function snapshotOf(
  { overhead, cross, costs, sent, known, dashboard, journeys }: Findings,
  shape: { seconds: number; crossSeconds: number; seed: number; finishedAt: Date; stopped: string | undefined },
): Snapshot {
  const overheadOf = (results: readonly RateResult[]) =>
    listed(results.flatMap((result) => comparedOf(result, shape.seconds, shape.seed, shape.stopped)))
  const crossed = listed(cross.flatMap((result) => comparedOf(result, shape.crossSeconds, shape.seed, shape.stopped)))
  const on = (cluster: 'infra' | 'apps') => ({
    [addedLatency.id]: overheadOf(overhead[cluster]),
    [crossClusterLatency.id]: crossed,
    [knownLoad.id]: knownListing(known[cluster]),
    [dashboardFigures.id]: dashboardListing(sent[cluster], dashboard[cluster]),
    [tappedRequests.id]: tapListing(sent[cluster], dashboard[cluster]),
    [journeyLoads.id]: journeyListing(journeys.filter(({ journey }) => journey.cluster === cluster)),
    [loadTest.id]: listed(overhead[cluster].map((result) => finishedOf(result, shape.finishedAt))),
  })
  return { infra: on('infra'), apps: { ...on('apps'), [proxyCosts.id]: costListing(costs) } }
}

function costListing({ idle, underLoad }: Findings['costs']): Listing {
  const failed = [idle, underLoad].find((cost) => cost.state === 'failed')
  if (failed?.state === 'failed') return { state: 'unreachable', reason: failed.reason }
  const item = (name: string, cost: Found<ProxyCost>) =>
    cost.state === 'found' ? [{ metadata: { name }, ...cost.value }] : []
  return listed([...item('idle', idle), ...item('under load', underLoad)])
}

function knownListing(found: Findings['known']['infra']): Listing {
  if (found.state === 'failed') return { state: 'unreachable', reason: found.reason }
  const { load, stored, waitedSeconds } = found.value
  const { sent, failed, percentiles: own } = load
  const item = { metadata: { name: `the load of pod ${load.pod}` }, sent, failed, percentiles: own, waitedSeconds }
  return listed([stored === undefined ? item : { ...item, stored }])
}

function journeyListing(runs: readonly JourneyRun[]): Listing {
  const broken = runs.find(({ failure }) => failure !== undefined)
  if (broken) return { state: 'unreachable', reason: `${broken.journey.name}: ${broken.failure}` }
  return listed(
    runs.map(({ journey, asked, requests, failed, dropped, p99Ms }) => ({
      metadata: { name: journey.name },
      url: journey.url,
      asked,
      requests,
      failed,
      dropped,
      ...(p99Ms === undefined ? {} : { p99Ms }),
      minSuccessRate: journey.minSuccessRate,
      maxP99Ms: journey.maxP99Ms,
    })),
  )
}

const finishedOf = (result: RateResult, finishedAt: Date) => ({
  metadata: { name: `${result.rate} requests per second` },
  rate: result.rate,
  blocks: result.ran.length,
  counted: countedOf(result).length,
  requests: result.ran.reduce((sum, { block }) => sum + block.treated.measured + block.control.measured, 0),
  finishedAt: finishedAt.toISOString(),
})
