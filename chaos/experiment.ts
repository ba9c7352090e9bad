import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { monotonicNow } from './clocks/attempts.ts'
import { outagesIn } from './clocks/outages.ts'
import { driverOf } from './drivers/drivers.ts'
import type { Field } from './field.ts'
import type { Intent, Journal } from './journal/disk.ts'
import { openJournal } from './journal/disk.ts'
import { forgetIntent, keepLease, recordIntent, takeLease } from './journal/in-cluster.ts'
import { thisHolder } from '../cluster/holder.ts'
import { workloadNamespace } from './names.ts'
import type { Posting } from './prober/orders.ts'
import { postingOf } from './prober/orders.ts'
import type { Prober } from './prober/probers.ts'
import { askProgram, startProber } from './prober/probers.ts'
import type { Circumstances } from './refusals.ts'
import { pictureOf, residueAfter } from './residue.ts'
import type { Run } from './run-record.ts'
import { runSchema } from './run-record.ts'
import type { Scenario } from './scenario.ts'
import { clustersOf } from './scenario.ts'
import type { TakenBack } from './take-back.ts'
import { takeBack } from './take-back.ts'
import type { Undo } from './undo.ts'
import { undoMs } from './undo.ts'
import type { Watch } from './watch.ts'
import { startWatch } from './watch.ts'
import { raiseWorkloads } from './workloads.ts'

const prepareMs = 90_000
const steadyMs = 60_000
const makeMs = 30_000
const residueMs = 120_000
const pauseMs = 200

/** An outside process that stops the experiment when it has to, and takes it back when this one dies. */
export type Guardian = { stopped: () => string | undefined; dismiss: () => Promise<void> }

export type Experiment = {
  id: string
  scenario: Scenario
  field: Field
  seen: Circumstances
  guard: (journal: Journal) => Promise<Guardian>
  tell: (text: string) => void
}

type Posted = { id: string; periodMs: number; posting: Posting; prober: Prober }

/**
 * Makes one fault and everything around it: writes down what is going to happen, watches, breaks, measures, takes back,
 * and looks for what is left. Nothing speaks against it any more when this is called.
 */
export async function runExperiment(experiment: Experiment): Promise<Run> {
  const { id, scenario, field } = experiment
  const clusters = clustersOf(scenario)
  const intent = intentOf(experiment)
  const isNewAfter = scenario.fault.driver === 'cluster'
  const before = await pictureOf(field, clusters, deadlineIn(prepareMs), { isNewAfter })
  const journal = openJournal(id)
  const record = emptyRecord(experiment, intent)
  const renewing = new AbortController()
  const guardian: { now: Guardian | undefined } = { now: undefined }
  journal.write('intended', { intent })
  try {
    const deadline = deadlineIn(prepareMs)
    for (const cluster of clusters) {
      // oxlint-disable-next-line no-await-in-loop -- always in the same order: two runs cannot hold one each
      await takeLease(field.connections[cluster], id, deadline)
      void keepLease(field.connections[cluster], renewing.signal)
    }
    journal.write('leased')
    await Promise.all(clusters.map((cluster) => recordIntent(field.connections[cluster], intent, deadline)))
    journal.write('recorded')
    guardian.now = await experiment.guard(journal)
    await prepare(experiment, deadline)
    journal.write('prepared')
    await breakAndWatch(experiment, journal, record, guardian.now)
  } catch (error) {
    record.notRun = `it could not be carried out: ${messageOf(error)}`
  }
  journal.write('taking back')
  const taken = await takeBack(intent.undo, field, deadlineIn(undoMs(intent.undo)))
  journal.write('taken back', { note: notesOf(taken) })
  record.residue.push(
    ...failuresOf(taken),
    ...(await residueAfter(before, field, clusters, deadlineIn(residueMs), { isNewAfter })),
  )
  await guardian.now?.dismiss()
  renewing.abort()
  await Promise.all(clusters.map((cluster) => forgetIntent(field.connections[cluster], id, deadlineIn(makeMs))))
  journal.write('ended', { note: record.residue.length === 0 ? 'nothing is left' : record.residue.join('; ') })
  return runSchema.parse(record)
}

const notesOf = (taken: readonly TakenBack[]) =>
  taken.map(({ text, failure }) => (failure === undefined ? text : `${text}: ${failure}`)).join('; ')

const failuresOf = (taken: readonly TakenBack[]) =>
  taken.flatMap(({ text, failure }) => (failure === undefined ? [] : [`could not ${text}: ${failure}`]))

function intentOf({ id, scenario, field, seen }: Experiment): Intent {
  const { infra, apps } = seen.uids
  const bringsPods = scenario.workloads.length > 0 || driverOf(scenario.fault).bringsPods === true
  const own: Undo[] =
    bringsPods && scenario.cluster !== 'across'
      ? [{ do: 'delete workloads', cluster: scenario.cluster, namespace: workloadNamespace }]
      : []
  const undo = seen.undo.filter((one) => one !== undefined)
  const seconds = scenario.longestSeconds + (prepareMs + steadyMs) / 1_000
  return {
    id,
    scenario: scenario.id,
    target: field.target,
    clusters: clustersOf(scenario),
    uids: { ...(infra === undefined ? {} : { infra }), ...(apps === undefined ? {} : { apps }) },
    targets: seen.targets.map(
      ({ kind, namespace, name, uid }) => `${kind} ${namespace ? `${namespace}/` : ''}${name} (${uid})`,
    ),
    undo: [...undo, ...own],
    startedAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + seconds * 1_000).toISOString(),
    holder: thisHolder(),
    hidesAPI: scenario.hidesAPI,
  }
}

const emptyRecord = ({ id, scenario, field }: Experiment, intent: Intent): Run => ({
  id,
  scenario,
  target: field.target,
  simulated: field.target === 'pair',
  uids: intent.uids,
  startedAt: intent.startedAt,
  targets: intent.targets,
  journeys: [],
  detected: [],
  victims: [],
  witnesses: [],
  residue: [],
})

async function prepare({ scenario, id, field }: Experiment, deadline: Deadline): Promise<void> {
  const { cluster, workloads } = scenario
  if (cluster !== 'across')
    await raiseWorkloads(field.connections[cluster], id, workloads, field.workloadImage, deadline)
}

/** From the first probe to the last one. */
async function breakAndWatch(experiment: Experiment, journal: Journal, record: Run, guardian: Guardian): Promise<void> {
  const { scenario, field, seen } = experiment
  const posted = await postProbers(experiment)
  let watch: Watch | undefined
  try {
    record.steadyFrom = await untilSteady(posted, scenario.steadySeconds, deadlineIn(steadyMs))
    const cluster = scenario.cluster === 'across' ? 'apps' : scenario.cluster
    watch = await startWatch(field.connections[cluster], scenario.fault, seen.targets)
    await makeFault(experiment, journal, record)
    await untilSettled(experiment, { posted, watch, record, guardian })
    journal.write('observed')
    await endFault(experiment, record)
    if (scenario.faultSeconds > 0) await untilServed(experiment, { posted, guardian })
    await readDatabase(experiment, posted, record)
  } finally {
    await watch?.stop()
    record.journeys = await Promise.all(
      posted.map(async ({ id, periodMs, prober }) => {
        const log = [...(await prober.stop())]
        const failure = prober.failure()
        return { id, periodMs, log, ...(failure === undefined ? {} : { failure }) }
      }),
    )
    record.watchedUntil = monotonicNow()
    record.detected = watch?.detected ?? []
    record.victims = (watch?.victims ?? []).map(({ replacedBy, ...victim }) => ({
      ...victim,
      ...(replacedBy === undefined ? {} : { replacedBy }),
    }))
    const stopped = guardian.stopped()
    if (stopped !== undefined) record.stopped = stopped
  }
}

async function postProbers({ scenario, id, field, seen }: Experiment): Promise<Posted[]> {
  const without = seen.targets.filter(({ kind }) => kind === 'Node').map(({ name }) => name)
  const deadline = deadlineIn(makeMs)
  return Promise.all(
    scenario.journeys.map(async (journey) => {
      const posting = await postingOf(journey, id, field, without, deadline)
      return { id: journey.id, periodMs: journey.periodMs, posting, prober: startProber(posting.order, posting.place) }
    }),
  )
}

/** Everything has to be well for a while before it may be broken. Returns since when it is. */
async function untilSteady(posted: readonly Posted[], seconds: number, deadline: Deadline): Promise<number> {
  const began = monotonicNow()
  for (;;) {
    const since = monotonicNow() - seconds * 1_000
    const unwell = posted.filter(({ prober, periodMs }) => {
      const recent = prober.log.filter(({ sentAt }) => sentAt >= since)
      return (
        prober.failure() !== undefined ||
        recent.length < (seconds * 1_000) / periodMs / 2 ||
        recent.some(({ ok }) => !ok)
      )
    })
    if (unwell.length === 0 && monotonicNow() - began >= seconds * 1_000) return since
    if (deadline.signal.aborted) throw new Error(`before anything was broken, ${whatAils(unwell)}`)
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs)
  }
}

const whatAils = (unwell: readonly Posted[]) =>
  unwell
    .map(({ id, prober }) => {
      const last = prober.log.findLast(({ ok }) => !ok)
      return `${id} was not well for long enough: ${prober.failure() ?? last?.why ?? 'too few answers'}`
    })
    .join(', ')

async function makeFault(
  { id, scenario, field, seen, tell }: Experiment,
  journal: Journal,
  record: Run,
): Promise<void> {
  const { fault } = scenario
  journal.write('injecting')
  const lower = monotonicNow()
  record.wallAtInject = new Date().toISOString()
  const driver = driverOf(fault)
  const deadline = deadlineIn(driver.makeMs?.(scenario) ?? makeMs)
  const made = await driver.make({ id, fault, scenario, field, targets: seen.targets, deadline, tell })
  if (made?.restored) record.restored = made.restored
  if (made?.rebuilt) record.rebuilt = made.rebuilt
  record.inject = made?.injected ?? { lower, upper: monotonicNow() }
  journal.write('injected')
}

type Watching = { posted: readonly Posted[]; watch: Watch; record: Run; guardian: Guardian }

/** Waits until the fault has shown what it can: everybody is served and replaced, or its time is over. */
async function untilSettled(experiment: Experiment, { posted, watch, record, guardian }: Watching): Promise<void> {
  const { scenario, field } = experiment
  const injected = record.inject?.upper ?? monotonicNow()
  const lasts = scenario.faultSeconds > 0
  const longest = (lasts ? scenario.faultSeconds : scenario.longestSeconds) * 1_000
  const needsReplacement = scenario.judge.some(({ by }) => by === 'replacement')
  // A link or a quorum does not mend itself: there is nothing to wait for but the end of the fault.
  const mayEndEarly = scenario.fault.driver !== 'link' && !scenario.judge.some(({ by }) => by === 'healing')
  while (monotonicNow() - injected < longest && guardian.stopped() === undefined) {
    const isReplaced = watch.victims.every(({ sightings }) => sightings.at(-1)?.holds === true)
    const isLongEnough = monotonicNow() - injected > scenario.stableSeconds * 1_000
    if (mayEndEarly && isLongEnough && (isReplaced || !needsReplacement) && areServed(posted, scenario)) break
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs)
  }
  await testify(scenario, field, record)
}

/** What others saw of the fault while it lasted. */
async function testify({ fault }: Scenario, field: Field, record: Run): Promise<void> {
  if (fault.driver === 'link') {
    const dropped = (await field.link?.packetsDropped()) ?? 0
    if (dropped > 0) record.witnesses.push(`the nodes dropped ${dropped} packets at the cut`)
  }
  const { rebuilt } = record
  if (rebuilt && rebuilt.uid !== rebuilt.uidBefore)
    record.witnesses.push(`cluster ${rebuilt.uidBefore} is gone, ${rebuilt.uid} is in its place`)
  if (fault.driver === 'node-power') {
    const off = await Promise.all(fault.nodes.map(async (node) => [node, await field.power?.isOn(node)] as const))
    for (const [node, isOn] of off) if (isOn === false) record.witnesses.push(`${node} had no power`)
  }
}

function areServed(posted: readonly Posted[], { stableSeconds }: Scenario): boolean {
  return posted.every(({ prober, periodMs }) => {
    const since = monotonicNow() - stableSeconds * 1_000
    const recent = prober.log.filter(({ sentAt }) => sentAt >= since)
    return (
      recent.length >= (stableSeconds * 1_000) / periodMs / 2 &&
      recent.every(({ ok }) => ok) &&
      hasNoOpenOutage(prober, stableSeconds)
    )
  })
}

const hasNoOpenOutage = ({ log }: Prober, stableSeconds: number) =>
  outagesIn(log, { successes: 10, heldMs: stableSeconds * 1_000 }).outages.every(({ end }) => end !== undefined)

/** A fault that lasts is ended here, so that its end has a time of its own. */
async function endFault({ scenario, field, seen }: Experiment, record: Run): Promise<void> {
  if (scenario.faultSeconds === 0) return
  const lower = monotonicNow()
  const undo = seen.undo.filter((one) => one !== undefined)
  await takeBack(undo, field, deadlineIn(undoMs(undo)))
  record.faultEnd = { lower, upper: monotonicNow() }
}

async function untilServed(
  { scenario }: Experiment,
  { posted, guardian }: Pick<Watching, 'posted' | 'guardian'>,
): Promise<void> {
  const until = monotonicNow() + scenario.longestSeconds * 1_000
  while (monotonicNow() < until && guardian.stopped() === undefined && !areServed(posted, scenario)) {
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs)
  }
}

/** The rows as they are in the end, and no table left. */
async function readDatabase({ scenario }: Experiment, posted: readonly Posted[], record: Run): Promise<void> {
  const journey = scenario.journeys.find(({ by }) => by === 'postgres')
  const post = posted.find(({ id }) => id === journey?.id)
  if (!post || post.posting.order.do !== 'insert') return
  await post.prober.stop()
  const { place, order } = post.posting
  const { database } = order
  record.database = { journey: post.id, rows: (await askProgram({ do: 'rows', database }, place)) as never }
  await askProgram({ do: 'drop', database }, place)
}
