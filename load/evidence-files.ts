import { join } from 'node:path'
import type { Judgement } from '../check/judge.ts'
import type { ClusterName } from '../platform/platform.ts'
import type { Picture } from '../reporters/allure-judged.ts'
import { writeWhole } from '../reporters/report-file.ts'
import { arms } from './blocks.ts'
import type { RateResult } from './experiment.ts'
import { countedOf } from './experiment.ts'
import { comparedOf, mergedOf } from './findings.ts'
import { ratioOf } from './intervals-of.ts'
import type { Interval } from './interval.ts'
import type { Percentile } from './latencies.ts'
import type { LoadTestRun } from './load-test.ts'
import { clusters } from './measure.ts'
import { distributionPicture, ratesPicture, ratioPicture } from './pictures.ts'
import type { RateInterval } from './pictures.ts'

export type DrawnPicture = Picture & { file: string; of: ClusterName | 'across' }

type Drawing = { seconds: number; crossSeconds: number; seed: number }

function intervalsOf(result: RateResult, seconds: number, seed: number): Partial<Record<Percentile, Interval>> {
  return Object.fromEntries(
    comparedOf(result, seconds, seed).flatMap((compared) => {
      const interval = ratioOf(compared)
      return interval ? [[compared.percentile, interval]] : []
    }),
  )
}

/** Pictures of everything of which two blocks count at least. */
export function picturesOf({ findings }: LoadTestRun, { seconds, seed }: Drawing): DrawnPicture[] {
  const ofCluster = clusters.flatMap((cluster) => {
    const results = findings.overhead[cluster].filter((result) => countedOf(result).length >= 2)
    const standIn = results.some(({ isStandIn }) => isStandIn) ? ', with a stand-in for the mesh' : ''
    const byRate = results.flatMap((result): RateInterval[] =>
      Object.entries(intervalsOf(result, seconds, seed)).map(([percentile, interval]) => ({
        rate: result.rate,
        percentile: percentile as Percentile,
        ...interval,
      })),
    )
    return [
      ...results.flatMap((result): DrawnPicture[] => drawn(result, cluster, `on ${cluster}${standIn}`, seconds, seed)),
      ...(byRate.length === 0
        ? []
        : [
            {
              of: cluster,
              name: `latency with the mesh over without, by rate, on ${cluster}`,
              file: `rates-${cluster}.svg`,
              svg: ratesPicture(`Latency with the mesh over without, on ${cluster}${standIn}`, byRate),
            },
          ]),
    ]
  })
  const crossed = findings.cross
    .filter((result) => countedOf(result).length >= 2)
    .map((result): DrawnPicture => {
      const merged = {
        treated: mergedOf(countedOf(result), 'treated'),
        control: mergedOf(countedOf(result), 'control'),
      }
      const title = `Latency to a server on infra at ${result.rate} requests per second`
      return {
        of: 'across',
        name: title,
        file: 'gateway.svg',
        svg: distributionPicture(title, merged, {
          treated: 'from apps through the gateway',
          control: 'from infra itself',
        }),
      }
    })
  return [...ofCluster, ...crossed]
}

function drawn(result: RateResult, cluster: ClusterName, where: string, seconds: number, seed: number): DrawnPicture[] {
  const counted = countedOf(result)
  const blocks = counted.map(({ block }) => block)
  const merged = { treated: mergedOf(counted, 'treated'), control: mergedOf(counted, 'control') }
  const load = `at ${result.rate} requests per second`
  return [
    {
      of: cluster,
      name: `latency ${load} on ${cluster}`,
      file: `latency-${cluster}-${result.rate}.svg`,
      svg: distributionPicture(`Latency ${where}, ${load}`, merged),
    },
    {
      of: cluster,
      name: `ratio by block ${load} on ${cluster}`,
      file: `ratio-${cluster}-${result.rate}.svg`,
      svg: ratioPicture(
        `With the mesh over without, ${where}, ${load}, ${blocks.length} blocks`,
        blocks,
        intervalsOf(result, seconds, seed),
      ),
    },
  ]
}

/** Every block with its histograms, so that whoever doubts a verdict can compute it again. */
const evidenceOf = (result: RateResult) => ({
  rate: result.rate,
  isStandIn: result.isStandIn,
  failures: result.failures,
  blocks: result.ran.map(({ block, reasons, latencies }) => ({
    counts: reasons.length === 0,
    reasons,
    ...Object.fromEntries(arms.map((arm) => [arm, { ...block[arm], histogram: latencies[arm].encoded() }])),
  })),
})
const unit = 'histograms are HdrHistogram V2, compressed, base64, in microseconds'

/** The same for a calibration. */
export async function writeCalibration(
  results: Record<ClusterName, readonly RateResult[]>,
  what: { seed: number; fault: string | null; stopped: string | null },
  folder: string,
): Promise<string> {
  const file = join(folder, 'calibration.json')
  const evidence = { ...what, unit, infra: results.infra.map(evidenceOf), apps: results.apps.map(evidenceOf) }
  await writeWhole(file, `${JSON.stringify(evidence, null, 1)}\n`)
  return file
}

export async function writeEvidence(run: LoadTestRun, { seed }: Drawing, folder: string): Promise<string> {
  const file = join(folder, 'evidence.json')
  const { overhead, cross, costs, known, dashboard, journeys } = run.findings
  const evidence = {
    seed,
    stopped: run.stopped ?? null,
    unit,
    overhead: { infra: overhead.infra.map(evidenceOf), apps: overhead.apps.map(evidenceOf) },
    throughGateway: cross.map(evidenceOf),
    costs,
    known,
    dashboard,
    journeys,
  }
  await writeWhole(file, `${JSON.stringify(evidence, null, 1)}\n`)
  return file
}

export async function writePictures(pictures: readonly DrawnPicture[], folder: string): Promise<void> {
  await Promise.all(pictures.map(({ file, svg }) => writeWhole(join(folder, 'pictures', file), svg)))
}

/** Which pictures belong to a result. */
export function picturesFor({ result }: Judgement, pictures: readonly DrawnPicture[]): DrawnPicture[] {
  if (result.claim === 'PERF-01') return pictures.filter(({ of }) => of === result.cluster)
  if (result.claim === 'PERF-04' && result.cluster === 'across') return pictures.filter(({ of }) => of === 'across')
  return []
}

/** The figures whose trend is worth seeing, from night to night. */
export function metricsOf({ findings }: LoadTestRun, { seconds, crossSeconds, seed }: Drawing) {
  const ratios = (what: string, results: readonly RateResult[], measured: number) =>
    results.flatMap((result) =>
      Object.entries(intervalsOf(result, measured, seed)).map(([percentile, { estimate }]) => ({
        key: `${what} at ${result.rate}/s, ${percentile} ratio`,
        value: Number(estimate.toFixed(4)),
      })),
    )
  const { costs } = findings
  return [
    ...clusters.flatMap((cluster) => ratios(`mesh on ${cluster}`, findings.overhead[cluster], seconds)),
    ...ratios('through the gateway', findings.cross, crossSeconds),
    ...(['idle', 'underLoad'] as const).flatMap((when) => {
      const cost = costs[when]
      if (cost.state === 'failed') return []
      return [
        { key: `CPU of a proxy ${when === 'idle' ? 'idle' : 'under load'}, m`, value: cost.value.cores * 1_000 },
        { key: `memory of a proxy ${when === 'idle' ? 'idle' : 'under load'}, MB`, value: cost.value.bytes / 1e6 },
      ]
    }),
  ]
}
