import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import type { Owner } from '../cluster/own-objects.ts'
import type { Arm, ArmRun, Block, Participant } from './blocks.ts'
import { arms, voidReasons } from './blocks.ts'
import type { ProxyCount, Throttling } from './evidence.ts'
import { addCounts, countOf, throttlingOn } from './evidence.ts'
import { generatorsIn, removeGenerators, resultOf, startGenerators } from './jobs.ts'
import type { K6Log, LoadLog } from './k6-log.ts'
import type { Latencies, Percentile } from './latencies.ts'
import type { ArmRole, GeneratorForm, K6Program } from './objects.ts'
import { k6Container, serverContainer } from './objects.ts'
import type { LoadPod } from './pods.ts'
import { containerOf, generatorsOf, isMeshed, podsOf, restartsOf, serverNamed, waitForGenerators } from './pods.ts'
import type { LoadShape, Schedule } from './schedule.ts'
import { overlapSeconds } from './schedule.ts'

export const roleOf: Record<Arm, ArmRole> = { treated: 'meshed', control: 'plain' }

/** Where an arm's requests start and end. */
export type ArmSite = {
  role: ArmRole
  client: Generator
  target: string
  server: { connection: Connection; name: string }
}
/** Where k6 runs. */
export type Generator = {
  connection: Connection
  owner: Owner
  node: string
  program: K6Program
  form: GeneratorForm
}

/** Several blocks that run in one go: one k6 per arm, each of which knows when it is its turn. */
export type Batch = {
  /** Part of the names of its Jobs; never used twice in a run. */
  id: string
  rate: number
  shape: LoadShape
  schedule: Schedule
  arms: Record<Arm, ArmSite>
  /** How long the pods of k6 may take to start. */
  leadSeconds: number
  /** The percentiles that a block has to tell. */
  judged: readonly Percentile[]
  /** k6's users, instead of enough of them. */
  users?: number
  /** What has to pass a proxy: all requests of the treated arm and none of the control, or those of both arms. */
  meshed: readonly Arm[]
  /** Told when nothing is loaded any more; what follows are readings. */
  onLoaded?: () => void
}

export type RanBlock = {
  block: Block
  reasons: string[]
  latencies: Record<Arm, Latencies>
}
export type BatchResult = { blocks: RanBlock[]; isStandIn: boolean }

/**
 * How long a k6 stays after its last load, so that its kubelet looks at it once more. New containers are looked at every
 * 10 to 20 s. Of those that it has watched for a while, and of which nothing new was to be said, cAdvisor makes that 15
 * to 30 s, and a busy machine adds to it.
 */
export const lingerSecondsFor = (loadedSeconds: number): number => (loadedSeconds > 90 ? 50 : 30)
const pollMs = 3_000

/** Runs the blocks and looks at both arms before and after. Throws when a k6 could not work, or the deadline ends it. */
export async function runBatch(batch: Batch, deadline: Deadline): Promise<BatchResult> {
  const { schedule, leadSeconds } = batch
  const begin = Date.now() + leadSeconds * 1_000
  const before = await lookAt(batch, deadline)
  await Promise.all(
    arms.map((arm) => {
      const { connection, form, owner } = clientOf(batch, arm)
      return startGenerators(connection, form, jobOf(batch, arm, begin), owner, deadline)
    }),
  )
  const started = await throttlingOnceStarted(batch, begin, deadline)
  const end = begin + schedule.totalSeconds * 1_000
  await sleep(Math.max(0, end - Date.now()), undefined, { signal: deadline.signal })
  batch.onLoaded?.()
  const ended = await throttlingSince(batch, end, end + lingerSecondsFor(schedule.totalSeconds) * 1_000, deadline)
  const results = await Promise.all(
    arms.map((arm) =>
      resultOf(
        clientOf(batch, arm).connection,
        { name: nameOf(batch, arm), loads: schedule.starts[arm].length, form: clientOf(batch, arm).form },
        deadline,
      ),
    ),
  )
  const after = await lookAt(batch, deadline)
  await Promise.all(
    arms.map((arm) => {
      const { connection, form } = clientOf(batch, arm)
      return removeGenerators(connection, nameOf(batch, arm), deadline, form)
    }),
  )
  const [treated, control] = results
  if (!treated || !control) throw new Error('two arms were run, and not two results came')
  return blocksOf(batch, { logs: { treated: treated.log, control: control.log }, before, after, started, ended })
}

const clientOf = (batch: Batch, arm: Arm) => batch.arms[arm].client
const nameOf = ({ id }: Batch, arm: Arm) => `k6-${arm}-${id}`

function jobOf(batch: Batch, arm: Arm, begin: number) {
  const { rate, shape, schedule, leadSeconds } = batch
  const { target, role, client } = batch.arms[arm]
  return {
    name: nameOf(batch, arm),
    role,
    node: client.node,
    program: client.program,
    longestSeconds: Math.ceil(leadSeconds + schedule.totalSeconds + lingerSecondsFor(schedule.totalSeconds) + 60),
    settings: {
      TARGET: target,
      RATE: rate,
      WARMUP: shape.warmUpSeconds,
      SECONDS: shape.seconds,
      // Enough for answers of one second at low rates, of 125 ms at high ones.
      USERS: batch.users ?? Math.max(10, Math.min(rate, 100), Math.ceil(rate / 8)) * generatorsIn(client.form),
      BEGIN: begin,
      STARTS: schedule.starts[arm].join(','),
      LINGER: lingerSecondsFor(schedule.totalSeconds),
      SAMPLES: 'yes',
    },
  }
}

type Look = Record<Arm, { server: LoadPod | undefined; clients: LoadPod[]; count: ProxyCount | undefined }>

/** Pods and proxies of both arms, as they are now. */
async function lookAt(batch: Batch, deadline: Deadline): Promise<Look> {
  const look = async (arm: Arm) => {
    const { client, server } = batch.arms[arm]
    const { clients, serving } = await podsOfArm(batch, arm, deadline)
    const counts = [
      ...clients.map((own) => countOf(client.connection, own, deadline)),
      ...(serving ? [countOf(server.connection, serving, deadline)] : []),
    ]
    const count = await Promise.all(counts).then(addCounts, () => undefined)
    return { server: serving, clients, count }
  }
  const [treated, control] = await Promise.all([look('treated'), look('control')])
  return { treated, control }
}

async function podsOfArm(batch: Batch, arm: Arm, deadline: Deadline) {
  const { client, server } = batch.arms[arm]
  const [near, far] = await Promise.all([podsOf(client.connection, deadline), podsOf(server.connection, deadline)])
  return { clients: generatorsOf(near, nameOf(batch, arm)), serving: serverNamed(far, server.name) }
}

/** By the name of the pod; who is missing was not told of. */
type Throttled = Record<Arm, ReadonlyMap<string, Throttling>>

/** Of the server and of every k6 of both arms; undefined for what no kubelet tells. */
async function readThrottling(
  batch: Batch,
  deadline: Deadline,
): Promise<Record<Arm, [string, Throttling | undefined][]>> {
  const pages = new Map<string, ReturnType<typeof throttlingOn>>()
  const pageOf = (connection: Connection, node: string) => {
    const key = `${connection.context}/${node}`
    const page = pages.get(key) ?? throttlingOn(connection, node, deadline)
    pages.set(key, page)
    return page
  }
  const read = async (arm: Arm) => {
    const { client, server } = batch.arms[arm]
    const { clients, serving } = await podsOfArm(batch, arm, deadline)
    const of = async (connection: Connection, pod: LoadPod, container: string) => {
      const all = await pageOf(connection, pod.spec.nodeName).catch(() => undefined)
      return [pod.metadata.name, all?.(containerOf(pod, container))] satisfies [string, Throttling | undefined]
    }
    return Promise.all([
      ...clients.map((pod) => of(client.connection, pod, k6Container)),
      ...(serving ? [of(server.connection, serving, serverContainer)] : []),
    ])
  }
  const [treated, control] = await Promise.all([read('treated'), read('control')])
  return { treated, control }
}

const toldIn = (all: [string, Throttling | undefined][], since = 0): ReadonlyMap<string, Throttling> =>
  new Map(all.flatMap(([name, one]) => (one && one.readAt >= since ? [[name, one] as const] : [])))

async function throttlingOnceStarted(batch: Batch, begin: number, deadline: Deadline): Promise<Throttled> {
  await Promise.all(
    arms.map((arm) => {
      const { connection, form } = clientOf(batch, arm)
      const wanted = { name: nameOf(batch, arm), count: generatorsIn(form) }
      return waitForGenerators(
        connection,
        wanted,
        ({ status }) => status.podIP !== '' && status.phase === 'Running',
        deadline,
      )
    }),
  )
  await sleep(Math.max(0, begin - Date.now()), undefined, { signal: deadline.signal })
  const { treated, control } = await readThrottling(batch, deadline)
  return { treated: toldIn(treated), control: toldIn(control) }
}

/** The first reading that the kubelets made after the end of the loads; what is not there by the latest moment is unknown. */
async function throttlingSince(batch: Batch, end: number, latest: number, deadline: Deadline): Promise<Throttled> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until all have been looked at
    const { treated, control } = await readThrottling(batch, deadline)
    const isAll = [...treated, ...control].every(([, one]) => one !== undefined && one.readAt >= end)
    if (isAll || Date.now() + pollMs >= latest) return { treated: toldIn(treated, end), control: toldIn(control, end) }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pollMs, undefined, { signal: deadline.signal })
  }
}

type Seen = { logs: Record<Arm, K6Log>; before: Look; after: Look; started: Throttled; ended: Throttled }

/** Puts together what k6 measured and what was seen of it. What cannot be said of one block is said of all. */
export function blocksOf(batch: Batch, seen: Seen): BatchResult {
  const { schedule, shape, judged } = batch
  const blocks = schedule.order.map((_, index): RanBlock => {
    const of = (arm: Arm): { run: ArmRun; load: LoadLog } => {
      const load = seen.logs[arm].loads[index]
      if (!load) throw new Error(`no load ${index} of the ${arm} arm`)
      return { load, run: armRun(batch, arm, load, seen) }
    }
    const treated = of('treated')
    const control = of('control')
    const block = { treated: treated.run, control: control.run }
    return {
      block,
      reasons: [
        ...voidReasons(block, judged, batch.meshed),
        ...arms.flatMap((arm) => notTakenIn(batch, arm, seen.after[arm])),
        ...complaints('treated', treated.load, seen.logs.treated),
        ...complaints('control', control.load, seen.logs.control),
        ...timeFaults(shape.seconds, treated.load, control.load),
      ],
      latencies: { treated: treated.load.latencies, control: control.load.latencies },
    }
  })
  return { blocks, isStandIn: arms.some((arm) => seen.after[arm].count?.isStandIn === true) }
}

/** Says more than the counters: an injector that did not answer leaves pods as they are. */
function notTakenIn({ meshed }: Batch, arm: Arm, { server, clients }: Look[Arm]): string[] {
  if (!meshed.includes(arm)) return []
  return [...clients, ...(server ? [server] : [])]
    .filter((one) => !isMeshed(one))
    .map(({ metadata }) => `${arm}: ${metadata.name} has no proxy`)
}

/** What k6 complained of, where it did not begin or most requests failed. */
function complaints(arm: Arm, { beganAt, failed, latencies }: LoadLog, { complaint }: K6Log): string[] {
  const said = complaint === undefined ? '' : `, and said: ${complaint}`
  if (beganAt === undefined) return [`${arm}: k6 did not begin${said}`]
  return failed * 2 > latencies.count ? [`${arm}: k6 saw most requests fail${said}`] : []
}

/** Generators of one arm that begin further apart do not make one load together. */
const mostApartMs = 500

function timeFaults(seconds: number, treated: LoadLog, control: LoadLog): string[] {
  const windows = [treated, control].map(({ beganAt, lastBeganAt }) =>
    beganAt === undefined || lastBeganAt === undefined ? undefined : { beganAt, lastBeganAt },
  )
  const [one, other] = windows
  if (!one || !other) return []
  const span = ({ beganAt, lastBeganAt }: typeof one): [number, number] => [beganAt, lastBeganAt + seconds * 1_000]
  const shared = overlapSeconds(span(one), span(other))
  const apart = Math.max(one.lastBeganAt - one.beganAt, other.lastBeganAt - other.beganAt)
  return [
    ...(shared > 0 ? [`both arms were loaded at once, for ${shared.toFixed(1)} s: a pod of k6 started too late`] : []),
    ...(apart > mostApartMs ? [`the generators of an arm began ${(apart / 1_000).toFixed(1)} s apart`] : []),
  ]
}

function armRun(batch: Batch, arm: Arm, { latencies, failed, dropped }: LoadLog, seen: Seen): ArmRun {
  const { rate, shape } = batch
  const [before, after] = [seen.before[arm], seen.after[arm]]
  return {
    asked: rate * shape.seconds,
    measured: latencies.count,
    failed,
    dropped,
    treated: treatedOf(batch, arm, latencies.count, seen),
    participants: [
      serverOf(before.server, after.server, seen.started[arm], seen.ended[arm]),
      ...clientsAfter(batch.arms[arm].client, after.clients, seen.ended[arm]),
    ],
    // An arm without requests makes its block void, and nobody reads these.
    percentiles:
      latencies.count === 0 ? { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN } : latencies.percentiles(),
  }
}

/**
 * How many requests of a load passed the mesh. Proxies count all loads of a batch together, so each of them is charged
 * with every request that is missing: at worst it was one of its own.
 */
function treatedOf(batch: Batch, arm: Arm, measured: number, { logs, before, after }: Seen): number | undefined {
  const [old, now] = [before[arm].count, after[arm].count]
  if (!old || !now) return undefined
  if (!batch.meshed.includes(arm)) return now.any - old.any
  const missing = Math.max(0, logs[arm].sent - (now.secured - old.secured))
  return Math.max(0, measured - missing)
}

type Pair = ArmRun['participants'][number]
const nobody: Participant = { name: 'a pod', restarts: 0, throttledPeriods: 0, node: '' }
const participant = (pod: LoadPod, throttledPeriods: number | undefined): Participant => ({
  name: pod.metadata.name,
  restarts: restartsOf(pod),
  throttledPeriods,
  node: pod.spec.nodeName,
})

function serverOf(
  before: LoadPod | undefined,
  after: LoadPod | undefined,
  started: Throttled[Arm],
  ended: Throttled[Arm],
): Pair {
  if (!before) return { before: nobody, after: undefined }
  const isSame = after !== undefined && after.metadata.uid === before.metadata.uid
  return {
    // Who was not looked at yet has not been held back since it began.
    before: participant(before, started.get(before.metadata.name)?.periods ?? 0),
    after: isSame ? participant(after, ended.get(after.metadata.name)?.periods) : undefined,
  }
}

/** A k6 is new for its batch: it has to be on its node, and may not have begun twice or been held back at all. */
function clientsAfter({ node, form }: Generator, after: readonly LoadPod[], ended: Throttled[Arm]): Pair[] {
  return Array.from({ length: generatorsIn(form) }, (_, index): Pair => {
    const pod = after[index]
    if (!pod) return { before: { ...nobody, name: 'k6' }, after: undefined }
    const { name } = pod.metadata
    return {
      before: { name, restarts: 0, throttledPeriods: 0, node },
      after: participant(pod, ended.get(name)?.periods),
    }
  })
}
