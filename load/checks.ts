import { check } from '../check/check.ts'
import type { Measured } from '../check/measured.ts'
import { measured } from '../check/measured.ts'
import type { Figure } from '../check/result.ts'
import { addedText, differenceOf, differenceText, ratioOf, verdictOf } from './intervals-of.ts'
import { compareLatency } from './known.ts'
import { fewestRequestsFor, percentiles } from './latencies.ts'
import type { Compared } from './sources.ts'
import { addedLatency, crossClusterLatency, journeyLoads, knownLoad, loadTest, proxyCosts } from './sources.ts'
import { fewestBlocks, overheads, verdictText } from './verdict.ts'

const nameOfMeasurement = ({ metadata }: { metadata: { name: string } }) => ({ subject: metadata.name })

/** What is missing for a verdict, or undefined. */
function lackOf({ metadata, lacking, ratios, voided }: Compared): string | undefined {
  if (lacking !== undefined) return `${metadata.name}: ${lacking}`
  if (ratios.length >= fewestBlocks) return undefined
  const reasons = [...new Set(voided)].slice(0, 2).join('; ')
  return `${metadata.name}: ${ratios.length} blocks count, ${fewestBlocks} are needed${reasons && ` (${reasons})`}`
}

function decideOverhead(compared: Compared, allowed: number): Measured {
  const lack = lackOf(compared)
  if (lack !== undefined) return { undecided: lack }
  const verdict = verdictOf(compared, allowed)
  const said = verdict.interval ? addedText(verdict.interval) : 'nothing'
  if (verdict.outcome === 'inconclusive')
    return { undecided: `${compared.metadata.name}: the mesh adds ${said}; ${verdictText(verdict)}` }
  return verdict.outcome === 'conforms' || `is ${said} above that of the same server without the mesh`
}

export const meshAddsLatency = measured({
  claim: 'PERF-01',
  fact: 'the mesh adds no more latency than documented',
  reads: { latencies: addedLatency },
  population: 'percentiles of the latency',
  atLeast: percentiles.length,
  because: 'p50, p95 and p99 at every rate',
  expected: ({ figures }) =>
    `at most ${figures.objectives.addedLatency.aboutPercent} % more, with the whole 95 % interval`,
  subjects: (read) => read.latencies,
  name: (compared) => ({
    subject: `${compared.metadata.name}${compared.isStandIn ? ' (through a stand-in for the mesh)' : ''}`,
  }),
  decides: (compared, { figures }) => decideOverhead(compared, figures.objectives.addedLatency.aboutPercent / 100),
  // The study's figure, which the document should have given, may well be what was found.
  disputed: (compared) => verdictOf(compared, overheads.study).outcome !== 'deviates',
  compare: (read, { figures }) =>
    read.latencies.flatMap((compared): Figure[] => {
      const interval = ratioOf(compared)
      if (!interval) return []
      const figure = { unit: '', observed: addedText(interval) }
      return [
        {
          ...figure,
          name: `added to ${compared.metadata.name}`,
          documented: `${figures.objectives.addedLatency.aboutPercent} % (the study: ${overheads.study * 100} %)`,
        },
      ]
    }),
})

export const loadTestWasRun = measured({
  claim: 'PERF-04',
  fact: 'a load test ran to its end on the platform',
  reads: { finished: loadTest },
  population: 'rates of the load test',
  atLeast: 1,
  expected: `at least ${fewestBlocks} blocks in which nothing went wrong`,
  subjects: (read) => read.finished,
  name: nameOfMeasurement,
  decides: ({ metadata, counted, blocks }) =>
    counted >= fewestBlocks || {
      undecided: `${metadata.name}: nothing went wrong in ${counted} of ${blocks} blocks, ${fewestBlocks} are needed`,
    },
  compare: (read) =>
    read.finished.map(({ metadata, requests, blocks, finishedAt }) => ({
      name: `${metadata.name}, finished ${finishedAt}`,
      unit: 'requests',
      documented: 'before go-live',
      observed: `${requests} in ${blocks} blocks`,
    })),
})

export const gatewayLatencyIsKnown = measured({
  claim: 'PERF-04',
  on: 'across',
  fact: 'the latency of the way from apps to infra through the gateway is measured',
  reads: { latencies: crossClusterLatency },
  population: 'percentiles of the latency',
  atLeast: 1,
  expected: 'a difference to the direct way on infra, in milliseconds',
  subjects: ({ infra }) => infra.latencies.filter(({ lacking }) => lacking === undefined),
  name: ({ metadata }) => ({ subject: metadata.name, cluster: 'infra' }),
  decides: (compared) => {
    const lack = lackOf(compared)
    return lack === undefined || { undecided: lack }
  },
  compare: ({ infra }) =>
    infra.latencies.flatMap((compared): Figure[] => {
      const difference = differenceOf(compared)
      if (!difference || compared.treatedMs === undefined || compared.controlMs === undefined) return []
      return [
        {
          name: `${compared.metadata.name}: on infra ${compared.controlMs.toFixed(2)} ms, from apps ${compared.treatedMs.toFixed(2)} ms`,
          unit: '',
          documented: 'none',
          observed: `${differenceText(difference)} more through the gateway`,
        },
      ]
    }),
})

export const journeysMeetObjectives = measured({
  claim: 'PERF-04',
  fact: 'every journey of the house meets its objectives under load',
  reads: { journeys: journeyLoads },
  population: 'journeys of platform.yaml',
  atLeast: ({ figures, cluster }) => Math.max(1, figures.journeys.filter((one) => one.cluster === cluster).length),
  expected: 'its success rate and its p99',
  subjects: (read) => read.journeys,
  name: nameOfMeasurement,
  decides: ({ metadata, requests, asked, failed, dropped, p99Ms, minSuccessRate, maxP99Ms }) => {
    if (dropped > 0) return { undecided: `${metadata.name}: k6 could not send ${dropped} of ${asked} requests` }
    if (requests === 0 || p99Ms === undefined) return `answered none of ${asked} requests`
    const success = 1 - failed / requests
    if (requests < fewestRequestsFor.p99 && success >= minSuccessRate)
      return {
        undecided: `${metadata.name}: ${requests} requests are too few for a p99: ${fewestRequestsFor.p99} at least`,
      }
    const faults: string[] = []
    if (success < minSuccessRate) faults.push(`succeeds in ${(success * 100).toFixed(2)} % of ${requests} requests`)
    if (p99Ms > maxP99Ms) faults.push(`has a p99 of ${p99Ms.toFixed(1)} ms, not ${maxP99Ms} ms`)
    return faults.length === 0 || faults.join(', ')
  },
})

const megabyte = 1e6

export const proxiesCostLittle = check({
  claim: { infra: 'RES-09', apps: 'RES-09' },
  on: 'apps',
  fact: 'a proxy costs no more CPU and memory than documented, idle and under load',
  reads: { costs: proxyCosts },
  population: 'readings of all proxies',
  atLeast: 2,
  because: 'idle and under load',
  expected: ({ figures: { mesh, tolerance } }) =>
    `at most ${mesh.proxyCost.cpuCores * 1_000}m and ${mesh.proxyCost.memoryMB} MB in the mean, give or take ${tolerance.about * 100} %`,
  subjects: (read) => read.costs,
  name: ({ metadata, proxies }) => ({ subject: `the mean of ${proxies} proxies ${metadata.name}` }),
  holds: ({ cores, bytes }, { figures: { mesh, tolerance } }) => {
    const faults: string[] = []
    const most = 1 + tolerance.about
    if (cores > mesh.proxyCost.cpuCores * most) faults.push(`uses ${(cores * 1_000).toFixed(1)}m`)
    if (bytes > mesh.proxyCost.memoryMB * megabyte * most) faults.push(`holds ${(bytes / megabyte).toFixed(1)} MB`)
    return faults.length === 0 || faults.join(' and ')
  },
  compare: (read, { figures: { mesh } }) =>
    read.costs.flatMap(({ metadata, cores, bytes, seconds }) => [
      {
        name: `CPU of a proxy ${metadata.name}, over ${seconds.toFixed(0)} s`,
        unit: 'm',
        documented: mesh.proxyCost.cpuCores * 1_000,
        observed: Number((cores * 1_000).toFixed(1)),
      },
      {
        name: `memory of a proxy ${metadata.name}`,
        unit: 'MB',
        documented: mesh.proxyCost.memoryMB,
        observed: Number((bytes / megabyte).toFixed(1)),
      },
    ]),
})

export const goldenMetricsOfKnownLoad = measured({
  claim: 'OBS-04',
  fact: 'the golden metrics of a known load are its true figures',
  reads: { known: knownLoad },
  population: 'known loads',
  atLeast: 1,
  expected: 'the requests, failures and latencies in the metrics store that k6 counted',
  subjects: (read) => read.known,
  name: nameOfMeasurement,
  decides: ({ metadata, sent, failed, percentiles: own, stored, waitedSeconds }) => {
    if (!stored) return `has no series in the metrics store after ${waitedSeconds.toFixed(0)} s`
    const faults: string[] = []
    const unclear: string[] = []
    if (stored.requests !== sent) faults.push(`sent ${sent} requests, the store has ${stored.requests}`)
    if (stored.failed !== failed) faults.push(`had ${failed} failures, the store has ${stored.failed}`)
    for (const percentile of percentiles) {
      const inStore = stored[percentile]
      if (inStore === undefined || !Number.isFinite(inStore)) {
        faults.push(`has no ${percentile} in the store`)
        continue
      }
      const said = `had a ${percentile} of ${own[percentile].toFixed(2)} ms, the store says ${inStore.toFixed(2)} ms`
      const compared = compareLatency(inStore, own[percentile])
      if (compared === 'apart') faults.push(said)
      if (compared === 'unclear') unclear.push(said)
    }
    if (faults.length > 0) return faults.join(', ')
    return (
      unclear.length === 0 || {
        undecided: `${metadata.name} ${unclear.join(', ')}; k6 may have waited for a processor`,
      }
    )
  },
})
