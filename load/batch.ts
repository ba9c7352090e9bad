import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import type { Owner } from '../cluster/own-objects.ts'
import type { Arm, ArmRun, Block, Participant } from './blocks.ts'
import { arms, voidReasons } from './blocks.ts'
import type { ProxyCount, Throttling } from './evidence.ts'
import { addCounts, countOf, throttlingOn } from './evidence.ts'
import { removeJob, resultOf, startJob } from './jobs.ts'
import type { K6Log, LoadLog } from './k6-log.ts'
import type { Latencies, Percentile } from './latencies.ts'
import type { ArmRole, K6Program } from './objects.ts'
import { k6Container, serverContainer } from './objects.ts'
import type { LoadPod } from './pods.ts'
import { podsOf, restartsOf, waitForPods } from './pods.ts'
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
export type Generator = { connection: Connection; owner: Owner; node: string; program: K6Program }

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

/** Kubelets look at containers every 10 to 15 s. */
export const lingerSeconds = 16
const pollMs = 2_000

/** Runs the blocks and looks at both arms before and after. Throws when a k6 could not work, or the deadline ends it. */
export async function runBatch(batch: Batch, deadline: Deadline): Promise<BatchResult> {
  const { schedule, leadSeconds } = batch
  const begin = Date.now() + leadSeconds * 1_000
  const before = await lookAt(batch, deadline)
  await Promise.all(
    arms.map((arm) =>
      startJob(clientOf(batch, arm).connection, jobOf(batch, arm, begin), clientOf(batch, arm).owner, deadline),
    ),
  )
  const started = await throttlingOnceStarted(batch, begin, deadline)
  const end = begin + schedule.totalSeconds * 1_000
  await sleep(Math.max(0, end - Date.now()), undefined, { signal: deadline.signal })
  batch.onLoaded?.()
  const ended = await throttlingSince(batch, end, end + lingerSeconds * 1_000, deadline)
  const results = await Promise.all(
    arms.map((arm) =>
      resultOf(
        clientOf(batch, arm).connection,
        { name: nameOf(batch, arm), loads: schedule.starts[arm].length },
        deadline,
      ),
    ),
  )
  const after = await lookAt(batch, deadline)
  await Promise.all(arms.map((arm) => removeJob(clientOf(batch, arm).connection, nameOf(batch, arm), deadline)))
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
    longestSeconds: Math.ceil(leadSeconds + schedule.totalSeconds + lingerSeconds + 60),
    settings: {
      TARGET: target,
      RATE: rate,
      WARMUP: shape.warmUpSeconds,
      SECONDS: shape.seconds,
      USERS: Math.max(10, Math.ceil(rate / 8)),
      BEGIN: begin,
      STARTS: schedule.starts[arm].join(','),
      LINGER: lingerSeconds,
      SAMPLES: 'yes',
    },
  }
}

type Look = Record<Arm, { server: LoadPod | undefined; client: LoadPod | undefined; count: ProxyCount | undefined }>

/** Pods and proxies of both arms, as they are now. */
async function lookAt(batch: Batch, deadline: Deadline): Promise<Look> {
  const look = async (arm: Arm) => {
    const { client, server } = batch.arms[arm]
    const [near, far] = await Promise.all([podsOf(client.connection, deadline), podsOf(server.connection, deadline)])
    const own = near.find(({ metadata }) => metadata.labels['app'] === nameOf(batch, arm))
    const serving = far.find(({ metadata }) => metadata.labels['app'] === server.name)
    const counts = [
      ...(own ? [countOf(client.connection, own, deadline)] : []),
      ...(serving ? [countOf(server.connection, serving, deadline)] : []),
    ]
    const count = await Promise.all(counts).then(addCounts, () => undefined)
    return { server: serving, client: own, count }
  }
  const [treated, control] = await Promise.all([look('treated'), look('control')])
  return { treated, control }
}

type Throttled = Record<Arm, { server: Throttling | undefined; client: Throttling | undefined }>

async function readThrottling(batch: Batch, deadline: Deadline): Promise<Throttled> {
  const read = async (arm: Arm) => {
    const { client, server } = batch.arms[arm]
    const of = async (connection: Connection, app: string, container: string) => {
      const pod = (await podsOf(connection, deadline)).find(({ metadata }) => metadata.labels['app'] === app)
      if (!pod) return undefined
      const all = await throttlingOn(connection, pod.spec.nodeName, deadline).catch(() => undefined)
      return all?.get(`${pod.metadata.name}/${container}`)
    }
    const [own, serving] = await Promise.all([
      of(client.connection, nameOf(batch, arm), k6Container),
      of(server.connection, server.name, serverContainer),
    ])
    return { client: own, server: serving }
  }
  const [treated, control] = await Promise.all([read('treated'), read('control')])
  return { treated, control }
}

async function throttlingOnceStarted(batch: Batch, begin: number, deadline: Deadline): Promise<Throttled> {
  await Promise.all(
    arms.map((arm) =>
      waitForPods(
        clientOf(batch, arm).connection,
        [nameOf(batch, arm)],
        ({ status }) => status.podIP !== '' && status.phase === 'Running',
        deadline,
      ),
    ),
  )
  await sleep(Math.max(0, begin - Date.now()), undefined, { signal: deadline.signal })
  return readThrottling(batch, deadline)
}

const readAll = (throttled: Throttled) => arms.flatMap((arm) => [throttled[arm].client, throttled[arm].server])

/** The first reading that the kubelets made after the end of the loads; what is not there by the latest moment is unknown. */
async function throttlingSince(batch: Batch, end: number, latest: number, deadline: Deadline): Promise<Throttled> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until all have been looked at
    const now = await readThrottling(batch, deadline)
    if (readAll(now).every((one) => one !== undefined && one.readAt >= end)) return now
    // oxlint-disable-next-line no-await-in-loop
    if (Date.now() + pollMs < latest) await sleep(pollMs, undefined, { signal: deadline.signal })
    else return onlySince(now, end)
  }
}

function onlySince(throttled: Throttled, end: number): Throttled {
  const fresh = (one: Throttling | undefined) => (one && one.readAt >= end ? one : undefined)
  const of = (arm: Arm) => ({ client: fresh(throttled[arm].client), server: fresh(throttled[arm].server) })
  return { treated: of('treated'), control: of('control') }
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
        ...timeFaults(shape.seconds, treated.load.beganAt, control.load.beganAt),
      ],
      latencies: { treated: treated.load.latencies, control: control.load.latencies },
    }
  })
  return { blocks, isStandIn: arms.some((arm) => seen.after[arm].count?.isStandIn === true) }
}

function timeFaults(seconds: number, one: number | undefined, other: number | undefined): string[] {
  if (one === undefined || other === undefined) return ['an arm did not begin']
  const window = (from: number): [number, number] => [from, from + seconds * 1_000]
  const shared = overlapSeconds(window(one), window(other))
  return shared > 0 ? [`both arms were loaded at once, for ${shared.toFixed(1)} s: a pod of k6 started too late`] : []
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
      serverOf(before.server, after.server, seen.started[arm].server, seen.ended[arm].server),
      clientAfter(batch.arms[arm].client.node, after.client, seen.ended[arm].client),
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
  started: Throttling | undefined,
  ended: Throttling | undefined,
): Pair {
  if (!before) return { before: nobody, after: undefined }
  const isSame = after !== undefined && after.metadata.uid === before.metadata.uid
  return {
    // Who was not looked at yet has not been held back since it began.
    before: participant(before, started?.periods ?? 0),
    after: isSame ? participant(after, ended?.periods) : undefined,
  }
}

/** A k6 is new for its batch: it has to be on its node, and may not have begun twice or been held back at all. */
function clientAfter(node: string, after: LoadPod | undefined, ended: Throttling | undefined): Pair {
  if (!after) return { before: { ...nobody, name: 'k6' }, after: undefined }
  return {
    before: { name: after.metadata.name, restarts: 0, throttledPeriods: 0, node },
    after: participant(after, ended?.periods),
  }
}
