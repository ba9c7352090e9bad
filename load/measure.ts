import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { openStore } from '../cluster/observers/metrics-store.ts'
import { clusterLabel, endpointOnInfra } from '../cluster/observers/telemetry-endpoints.ts'
import { mirroredName } from '../cluster/probes/objects.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import type { ArmSite, RanBlock } from './batch.ts'
import { lingerSecondsFor, roleOf } from './batch.ts'
import type { Arm } from './blocks.ts'
import { arms } from './blocks.ts'
import type { ProxyCost, ProxyReading } from './costs.ts'
import { costBetween, readProxies } from './costs.ts'
import type { DashboardFound } from './dashboard.ts'
import { watchDashboard } from './dashboard.ts'
import type { ExperimentPlan, RateResult, Told } from './experiment.ts'
import { batchSeconds, experiment, settlingSeconds } from './experiment.ts'
import type { JourneyRun } from './journeys.ts'
import { runJourney } from './journeys.ts'
import type { KnownLoad, StoredFigures } from './known.ts'
import { knownQueries, sendKnownLoad, storedFigures } from './known.ts'
import type { TestPlan } from './plan.ts'
import type { Random } from './random.ts'
import type { LoadSite } from './servers.ts'
import { urlOf } from './servers.ts'

export const clusters = ['infra', 'apps'] as const

/** What was found out, or why it was not. */
export type Found<T> = { state: 'found'; value: T } | { state: 'failed'; reason: string }

export type Findings = {
  overhead: Record<ClusterName, RateResult[]>
  cross: RateResult[]
  costs: { idle: Found<ProxyCost>; underLoad: Found<ProxyCost> }
  /** The loads whose figures are known. */
  sent: Record<ClusterName, Found<KnownLoad>>
  /** The same loads, and what the metrics store has of them. */
  known: Record<ClusterName, Found<{ load: KnownLoad; stored: StoredFigures | undefined; waitedSeconds: number }>>
  /** The same loads, as the dashboard of the mesh showed them. */
  dashboard: Record<ClusterName, DashboardFound>
  journeys: JourneyRun[]
}

export type LoadTest = {
  sites: Record<ClusterName, LoadSite>
  /** Of apps, whose proxies are looked at. */
  nodesOfApps: readonly string[]
  plan: TestPlan
  platform: Platform
  random: Random
  /** `what` is what is loaded: `infra`, `apps`, `through the gateway`. */
  onBlock: (what: string, rate: number, ran: RanBlock) => void
  onFailure: (what: string, reason: string) => void
}

const attempt = async <T>(work: () => Promise<T>): Promise<Found<T>> => {
  try {
    return { state: 'found', value: await work() }
  } catch (error) {
    return { state: 'failed', reason: messageOf(error) }
  }
}

const storeSeconds = 75

/** Everything that a load test measures, on servers that stand. `idle` was read when nothing was loaded yet. */
export async function measure(test: LoadTest, idle: Promise<ProxyReading>, deadline: Deadline): Promise<Findings> {
  const { plan } = test
  const idleCost = await attempt(async () => costBetween(await idle, await readOnApps(test, deadline)))
  const first = plan.aside === 'first' ? await besides(test, deadline) : undefined
  const loading = measureUnderLoad(test, deadline)
  const overloaded = clusters.map((cluster) => overheadOn(test, cluster, deadline))
  await Promise.all(overloaded.map(({ loaded }) => loaded))
  const underLoad = await loading.end()
  const crossed = crossPath(test, deadline)
  await crossed.loaded
  const [cross, infra, apps, [[onInfra, onApps], journeys]] = await Promise.all([
    crossed.results,
    overloaded[0]?.results ?? [],
    overloaded[1]?.results ?? [],
    first ?? besides(test, deadline),
  ])
  return {
    overhead: { infra, apps },
    cross,
    costs: { idle: idleCost, underLoad },
    sent: { infra: onInfra.sent, apps: onApps.sent },
    known: { infra: onInfra.stored, apps: onApps.stored },
    dashboard: { infra: onInfra.shown, apps: onApps.shown },
    journeys,
  }
}

export const readOnApps = (
  { sites, nodesOfApps }: Pick<LoadTest, 'sites' | 'nodesOfApps'>,
  deadline: Deadline,
): Promise<ProxyReading> => readProxies(sites.apps.connection, nodesOfApps, deadline)

export const generatorOf = ({ connection, owner, nodes, k6, form }: LoadSite) => ({
  connection,
  owner,
  node: nodes.client,
  program: k6,
  form,
})

/** Loads that are compared with nothing. */
const besides = (test: LoadTest, deadline: Deadline) =>
  Promise.all([
    Promise.all([knownLoadOn(test, 'infra', deadline), knownLoadOn(test, 'apps', deadline)]),
    journeysOf(test, deadline),
  ])

/** Sends the known load of a cluster, and looks whether the dashboard shows it meanwhile and the store has it afterwards. */
async function knownLoadOn(test: LoadTest, cluster: ClusterName, deadline: Deadline) {
  const { sites, plan, platform } = test
  const site = sites[cluster]
  const ended = new AbortController()
  const showing = watchDashboard(site, platform.names, ended.signal, deadline)
  const sent = await attempt(() => sendKnownLoad(site, plan.knownSeconds, generatorOf(site), deadline))
  ended.abort()
  const [shown, stored] = await Promise.all([showing, inStore(test, cluster, sent, deadline)])
  return { sent, shown, stored }
}

function toldOf({ onBlock, onFailure }: LoadTest, what: string): Told {
  return {
    onBlock: (rate, ran) => onBlock(what, rate, ran),
    onFailure: (rate, reason) => onFailure(what, `at ${rate} per second: ${reason}`),
  }
}

/** An experiment whose `loaded` is settled when there is no more load, but readings may follow. */
function untilLoaded(plan: ExperimentPlan, told: Told, deadline: Deadline) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const results = experiment(plan, { ...told, onLastLoad: () => resolve() }, deadline)
  return { results, loaded: Promise.race([results, promise]) }
}

/** The same server with and without the mesh, on one cluster. */
function overheadOn(test: LoadTest, cluster: ClusterName, deadline: Deadline) {
  const site = test.sites[cluster]
  const { plan, random } = test
  const armSite = (arm: Arm): ArmSite => ({
    role: roleOf[arm],
    client: generatorOf(site),
    target: urlOf(roleOf[arm], site),
    server: { connection: site.connection, name: roleOf[arm] },
  })
  return untilLoaded(
    {
      name: 'mesh',
      rates: plan.rates,
      shape: plan.shape,
      leastBlocks: plan.leastBlocks,
      addsBlocks: plan.addsBlocks,
      leadSeconds: plan.leadSeconds,
      random,
      arms: { treated: armSite('treated'), control: armSite('control') },
      meshed: ['treated'],
    },
    toldOf(test, cluster),
    // What comes after it has its own time.
    deadlineIn(Math.max(0, deadline.remainingMs() - reservedSeconds(plan) * 1_000), deadline.signal),
  )
}

/** For the way through the gateway, whose loads begin while the last readings of the others are made. */
function reservedSeconds({ cross, leadSeconds, addsBlocks }: TestPlan): number {
  const all = batchSeconds({ leadSeconds, shape: cross.shape }, cross.blocks)
  return addsBlocks ? all : all - lingerSecondsFor(0) - settlingSeconds
}

/** The way from apps to infra through the gateway, beside the way on infra itself; both are meshed. */
function crossPath(test: LoadTest, deadline: Deadline) {
  const { sites, plan, random } = test
  const { infra, apps } = sites
  return untilLoaded(
    {
      name: 'cross',
      rates: [plan.cross.rate],
      shape: plan.cross.shape,
      leastBlocks: plan.cross.blocks,
      addsBlocks: false,
      leadSeconds: plan.leadSeconds,
      random,
      arms: {
        treated: {
          role: 'meshed',
          client: generatorOf(apps),
          target: urlOf(mirroredName('exported', 'infra'), apps),
          server: { connection: infra.connection, name: 'exported' },
        },
        control: {
          role: 'meshed',
          client: generatorOf(infra),
          target: urlOf('direct', infra),
          server: { connection: infra.connection, name: 'direct' },
        },
      },
      meshed: arms,
    },
    toldOf(test, 'through the gateway'),
    deadline,
  )
}

/** Reads the proxies of apps when loads begin, and again when they have ended. */
function measureUnderLoad(test: LoadTest, deadline: Deadline): { end: () => Promise<Found<ProxyCost>> } {
  const before = attempt(async () => {
    await sleep(test.plan.leadSeconds * 1_000, undefined, { signal: deadline.signal })
    return readOnApps(test, deadline)
  })
  return {
    end: async () => {
      const first = await before
      if (first.state === 'failed') return first
      return attempt(async () => costBetween(first.value, await readOnApps(test, deadline)))
    },
  }
}

async function journeysOf({ platform, sites, plan }: LoadTest, deadline: Deadline): Promise<JourneyRun[]> {
  return Promise.all(
    platform.figures.journeys.map((journey, index) =>
      runJourney(
        journey,
        { name: `k6-journey-${index + 1}`, seconds: plan.journeySeconds },
        generatorOf(sites[journey.cluster]),
        deadline,
      ),
    ),
  )
}

async function inStore(
  { sites, platform: { names } }: LoadTest,
  cluster: ClusterName,
  sent: Found<KnownLoad>,
  deadline: Deadline,
): Promise<Found<{ load: KnownLoad; stored: StoredFigures | undefined; waitedSeconds: number }>> {
  if (sent.state === 'failed') return sent
  return attempt(async () => {
    const began = performance.now()
    const own = deadlineIn(Math.min(storeSeconds * 1_000, deadline.remainingMs()), deadline.signal)
    const ask = await openStore(endpointOnInfra({ sites: { infra: sites.infra }, names }, 'metricsQuery'), own)
    const queries = knownQueries(clusterLabel(names), cluster, sent.value.pod)
    const stored = await storedFigures(ask, queries, sent.value.sent, own)
    return { load: sent.value, stored, waitedSeconds: (performance.now() - began) / 1_000 }
  })
}
