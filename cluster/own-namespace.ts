import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Connection } from './connection.ts'
import { isGone, thisHolder } from './holder.ts'
import { parseJSON } from './json.ts'
import type { Owner, OwnNamespace, RunIdentity } from './own-objects.ts'
import {
  leaseName,
  leaseObject,
  leaseSeconds,
  managedByLabel,
  manager,
  namespaceObject,
  ownerObject,
  runLabel,
} from './own-objects.ts'
import { failureOf } from './read.ts'

const pauseMs = 400
const renewMs = 10_000
/** A cluster that was loaded too much may answer nothing for a while; it is asked again as long as this. */
const removalBudgetMs = 180_000

/** The namespace of a run cannot be made: somebody else's is there, or the cluster refuses it. */
export class NoNamespace extends Error {
  override name = 'NoNamespace'
}

export const newRun = (): RunIdentity => ({
  id: crypto.randomUUID().slice(0, 8),
  holder: thisHolder(),
  startedAt: new Date(),
})

export const pathOf = ({ name }: OwnNamespace) => `/api/v1/namespaces/${name}`
const leasePathOf = ({ name }: OwnNamespace) => `/apis/coordination.k8s.io/v1/namespaces/${name}/leases`

export type Taken = { owners: Owner[]; remove: () => Promise<void> }

/**
 * Takes the namespace on all of the clusters for one run, with a Lease that is renewed until `remove`, which takes
 * everything away again. What a killed run has left goes first. When taking fails, all has been removed already.
 * Returns the owners in the order of the connections.
 */
export async function takeNamespaces(
  own: OwnNamespace,
  run: RunIdentity,
  connections: readonly Connection[],
  deadline: Deadline,
): Promise<Taken> {
  const leases = new AbortController()
  const taken: Connection[] = []
  const remove = async () => {
    leases.abort()
    // Not the run's deadline: a run that was cut short still cleans up.
    const removal = deadlineIn(removalBudgetMs)
    const ends = await Promise.allSettled(taken.map((connection) => removeInTheEnd(own, connection, run.id, removal)))
    const left = ends.flatMap((end, index) =>
      end.status === 'rejected' ? [`${taken[index]?.context}: ${messageOf(end.reason)}`] : [],
    )
    if (left.length > 0)
      throw new NoNamespace(`the namespace ${own.name} may still be there (${left.join('; ')}): run pnpm sweep`)
  }
  try {
    // All are taken before anything is made, always in the same order: two runs cannot hold one each.
    for (const connection of connections) {
      // Before it is asked for: a request whose answer got lost may have been heard. What is not this run's stays.
      taken.push(connection)
      // oxlint-disable-next-line no-await-in-loop
      await take(own, connection, run, deadline)
    }
    const renewing = connections.map((connection) => keepLease(own, connection, run, leases.signal))
    leases.signal.addEventListener('abort', () => void Promise.allSettled(renewing), { once: true })
    const owners = await Promise.all(connections.map((connection) => prepare(own, connection, run, deadline)))
    return { owners, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function take(own: OwnNamespace, connection: Connection, run: RunIdentity, deadline: Deadline): Promise<void> {
  for (;;) {
    // Each try needs the answer to the one before.
    /* oxlint-disable no-await-in-loop */
    const made = await connection.send(
      { method: 'POST', path: '/api/v1/namespaces', body: namespaceObject(own, run) },
      deadline,
    )
    if (made.status === 201) break
    if (made.status !== 409) throw new NoNamespace(saying(connection, `refused the namespace ${own.name}`, made))
    const holder = await whoHolds(own, connection, deadline)
    if (holder !== undefined) throw new NoNamespace(holder.sentence)
    await removeNamespace(own, connection, undefined, deadline)
    /* oxlint-enable no-await-in-loop */
  }
  await create(connection, leasePathOf(own), leaseObject(own, run, new Date()), deadline)
}

/** The owner of what comes, and the account of pods: without it none can be made. */
async function prepare(
  own: OwnNamespace,
  connection: Connection,
  run: RunIdentity,
  deadline: Deadline,
): Promise<Owner> {
  const made = await create(connection, `${pathOf(own)}/configmaps`, ownerObject(own, run), deadline)
  const { uid } = z.object({ metadata: z.object({ uid: z.string() }) }).parse(made).metadata
  while ((await connection.get(`${pathOf(own)}/serviceaccounts/default`, deadline)).status !== 200)
    await sleep(pauseMs / 2, undefined, { signal: deadline.signal })
  return { id: run.id, uid }
}

const leaseSchema = z.object({
  spec: z.object({ holderIdentity: z.string().default('?'), renewTime: z.string(), leaseDurationSeconds: z.number() }),
})
const runningNamespace = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
  }),
})

/** Why the namespace must not be taken away: `stranger` made it, or a run still uses it. */
type Holder = { kind: 'stranger' | 'run'; sentence: string }

/** Who still uses the namespace; undefined when there is none, or whoever made it is gone. */
export async function whoHolds(
  own: OwnNamespace,
  connection: Connection,
  deadline: Deadline,
): Promise<Holder | undefined> {
  const [namespace, lease] = await Promise.all([
    connection.get(pathOf(own), deadline),
    connection.get(`${leasePathOf(own)}/${leaseName}`, deadline),
  ])
  const found = runningNamespace.safeParse(parseJSON(namespace.text))
  if (namespace.status !== 200 || !found.success) return undefined
  const { labels, creationTimestamp, deletionTimestamp } = found.data.metadata
  if (labels[managedByLabel] !== manager)
    return {
      kind: 'stranger',
      sentence: `namespace ${own.name} on ${connection.context} was not made by this suite: rename it, or delete it yourself`,
    }
  if (deletionTimestamp !== undefined) return undefined
  const held = leaseSchema.safeParse(parseJSON(lease.text))
  const renewed = held.success ? Date.parse(held.data.spec.renewTime) : Date.parse(creationTimestamp)
  const lapses = renewed + leaseSeconds * 1_000
  if (lapses < Date.now()) return undefined
  const holder = held.success ? held.data.spec.holderIdentity : 'somebody'
  if (held.success && isGone(holder)) return undefined
  return {
    kind: 'run',
    sentence: `another run (${holder}) has ${own.name} on ${connection.context}, until ${new Date(lapses).toISOString()} at least; wait for it`,
  }
}

async function keepLease(
  own: OwnNamespace,
  connection: Connection,
  run: RunIdentity,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- as long as the run lasts
    await sleep(renewMs, undefined, { signal, ref: false }).catch(() => {})
    if (signal.aborted) return
    const { spec } = leaseObject(own, run, new Date())
    const change = {
      method: 'PATCH' as const,
      path: `${leasePathOf(own)}/${leaseName}`,
      body: { spec },
      type: 'application/merge-patch+json',
    }
    // A renewal that got lost is made up for by the next.
    // oxlint-disable-next-line no-await-in-loop
    await connection.send(change, deadlineIn(renewMs)).catch(() => {})
  }
}

const labelled = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
})

/** Whether an object is the one that was asked for: of this name, and of the same run. */
function isTheSame(found: unknown, asked: unknown): boolean {
  const [there, wanted] = [labelled.safeParse(found), labelled.safeParse(asked)]
  if (!there.success || !wanted.success) return false
  const run = wanted.data.metadata.labels[runLabel]
  return run !== undefined && there.data.metadata.labels[runLabel] === run
}

/**
 * Makes one object and returns it as the API server stored it. Throws `NoNamespace` with its words when it refuses. A
 * server that is out of breath is asked again; it may have made the object all the same, which its run tells.
 */
export async function create(
  connection: Connection,
  path: string,
  body: unknown,
  deadline: Deadline,
): Promise<unknown> {
  const once = async (attempt: number) => {
    const sent = await connection.send({ method: 'POST', path, body }, deadline)
    if (sent.status >= 500) throw new NoNamespace(saying(connection, `refused POST ${path}`, sent))
    if (sent.status !== 409 || attempt === 1) return sent
    const there = await connection.get(`${path}/${labelled.parse(body).metadata.name}`, deadline)
    return there.status === 200 && isTheSame(parseJSON(there.text), body) ? there : sent
  }
  const answer = await pRetry(once, { retries: 3, minTimeout: 500, signal: deadline.signal })
  if (answer.status !== 201 && answer.status !== 200)
    throw new NoNamespace(saying(connection, `refused POST ${path}`, answer))
  return parseJSON(answer.text)
}

function saying(connection: Connection, what: string, answer: { status: number; text: string }): string {
  const failure = failureOf(answer, '')
  const reason = failure && 'reason' in failure ? failure.reason : `status ${answer.status}`
  return `${connection.context} ${what}: ${reason}`
}

/** Deletes the namespace, and waits until nothing of it is left. `run`: only if it is still that run's. */
async function removeNamespace(
  own: OwnNamespace,
  connection: Connection,
  run: string | undefined,
  deadline: Deadline,
): Promise<'removed' | 'nothing there'> {
  const there = await connection.get(pathOf(own), deadline)
  if (there.status === 404) return 'nothing there'
  // Whose it is has to be known.
  if (there.status !== 200) throw new NoNamespace(saying(connection, `did not show the namespace ${own.name}`, there))
  const found = runningNamespace.safeParse(parseJSON(there.text))
  if (run !== undefined && found.success && found.data.metadata.labels[runLabel] !== run) return 'nothing there'
  // Pods first and with little grace: the namespace then has nothing to wait for.
  await connection
    .send({ method: 'DELETE', path: `${pathOf(own)}/pods?gracePeriodSeconds=1` }, deadline)
    .catch(() => undefined)
  const gone = await connection.send({ method: 'DELETE', path: pathOf(own) }, deadline)
  if (gone.status >= 400 && gone.status !== 404 && gone.status !== 409)
    throw new NoNamespace(saying(connection, `did not delete the namespace ${own.name}`, gone))
  // oxlint-disable-next-line no-await-in-loop -- until it is gone
  while ((await connection.get(pathOf(own), deadline)).status !== 404)
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  return 'removed'
}

/** Does not give up at the first answer that does not come. */
async function removeInTheEnd(
  own: OwnNamespace,
  connection: Connection,
  run: string,
  deadline: Deadline,
): Promise<void> {
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it is gone
      await removeNamespace(own, connection, run, within(deadline))
      return
    } catch (error) {
      if (deadline.remainingMs() < pauseMs) throw error
      // oxlint-disable-next-line no-await-in-loop
      await sleep(pauseMs, undefined, { signal: deadline.signal })
    }
  }
}
const oneTryMs = 45_000
const within = (deadline: Deadline): Deadline => deadlineIn(Math.min(oneTryMs, deadline.remainingMs()), deadline.signal)

/** `pnpm sweep`: what became of the namespace on one cluster, as a line for a person. */
export async function sweep(
  own: OwnNamespace,
  connection: Connection,
  force: boolean,
  deadline: Deadline,
): Promise<{ line: string; isClean: boolean }> {
  try {
    const holder = await whoHolds(own, connection, deadline)
    // Force is for runs that hang, never for what somebody else has made.
    if (holder?.kind === 'stranger' || (holder && !force)) return { line: holder.sentence, isClean: false }
    const result = await removeNamespace(own, connection, undefined, deadline)
    const what = result === 'removed' ? `namespace ${own.name} removed` : `nothing left over: no namespace ${own.name}`
    return { line: `${connection.context}: ${what}`, isClean: true }
  } catch (error) {
    return { line: `${connection.context}: ${messageOf(error)}`, isClean: false }
  }
}
