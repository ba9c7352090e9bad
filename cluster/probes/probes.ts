import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { ClusterName, Names } from '../../platform/platform.ts'
import type { Connection } from '../connection.ts'
import { failureOf } from '../read.ts'
import { parseJSON } from '../json.ts'
import type { ProbePod, ProbeRole, RunIdentity } from './objects.ts'
import {
  leaseName,
  leaseObject,
  leaseSeconds,
  namespaceObject,
  ownerObject,
  podNames,
  podObject,
  probeNamespace,
  serviceObject,
} from './objects.ts'

const pauseMs = 400
const renewMs = 10_000
const removalBudgetMs = 60_000

/** The probe pods of a run on one cluster. Those that did not get ready are listed with the reason. */
export type ProbesOfCluster = {
  pods: (ProbePod & { address: string })[]
  notReady: (ProbePod & { reason: string })[]
  /** The object that owns everything of the run in this cluster. */
  owner: { id: string; uid: string }
}
export type Probes = { run: RunIdentity; on: Record<ClusterName, ProbesOfCluster> }

export type ProbeSite = {
  connection: Connection
  nodes: readonly string[]
  image: string
  /** The labels that export a Service to the other cluster. */
  exporting: Record<string, string>
}

/** What a Service carries to be mirrored, as a label. */
export const exportingLabels = ({ labels }: Names): Record<string, string> =>
  labels.exported.value === undefined ? {} : { [labels.exported.key]: labels.exported.value }

/** Probe pods cannot be made: somebody else's are there, or the cluster refuses them. */
export class NoProbes extends Error {
  override name = 'NoProbes'
}

export type Raised = { probes: Probes; remove: () => Promise<void> }

export const newRun = (): RunIdentity => ({
  id: crypto.randomUUID().slice(0, 8),
  holder: `${hostname()}/${process.pid}`,
  startedAt: new Date(),
})

/**
 * Makes probe pods on both clusters, one meshed and one unmeshed on each node, and waits until they are ready.
 * Removes whatever a killed run has left first. `remove` takes everything away again; when raising fails, that has
 * been done already.
 */
export async function raiseProbes(
  run: RunIdentity,
  sites: Record<ClusterName, ProbeSite>,
  deadline: Deadline,
): Promise<Raised> {
  const leases = new AbortController()
  const connections = [sites.infra.connection, sites.apps.connection]
  const taken: Connection[] = []
  const remove = async () => {
    leases.abort()
    // Not the run's deadline: a run that was cut short still cleans up.
    const own = deadlineIn(removalBudgetMs)
    await Promise.all(taken.map((connection) => removeNamespace(connection, run.id, own)))
  }
  try {
    // Both are taken before anything is made, always in the same order: two runs cannot hold one each.
    for (const connection of connections) {
      // Before it is asked for: a request whose answer got lost may have been heard. What is not this run's stays.
      taken.push(connection)
      // oxlint-disable-next-line no-await-in-loop
      await take(connection, run, deadline)
    }
    const renewing = connections.map((connection) => keepLease(connection, run, leases.signal))
    leases.signal.addEventListener('abort', () => void Promise.allSettled(renewing), { once: true })
    const [infra, apps] = await Promise.all([fill(run, sites.infra, deadline), fill(run, sites.apps, deadline)])
    return { probes: { run, on: { infra, apps } }, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

const namespacePath = `/api/v1/namespaces/${probeNamespace}`
const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${probeNamespace}/leases`

async function take(connection: Connection, run: RunIdentity, deadline: Deadline): Promise<void> {
  for (;;) {
    // Each try needs the answer to the one before.
    /* oxlint-disable no-await-in-loop */
    const made = await connection.send(
      { method: 'POST', path: '/api/v1/namespaces', body: namespaceObject(run) },
      deadline,
    )
    if (made.status === 201) break
    if (made.status !== 409) throw new NoProbes(saying(connection, 'refused the namespace of the probes', made))
    const holder = await whoHolds(connection, deadline)
    if (holder !== undefined) throw new NoProbes(holder.sentence)
    await removeNamespace(connection, undefined, deadline)
    /* oxlint-enable no-await-in-loop */
  }
  await create(connection, leasePath, leaseObject(run, new Date()), deadline)
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

/** Why the namespace of the probes must not be taken away: `stranger` made it, or a run still uses it. */
type Holder = { kind: 'stranger' | 'run'; sentence: string }

/** Who still uses the namespace of the probes; undefined when whoever made it is gone. */
async function whoHolds(connection: Connection, deadline: Deadline): Promise<Holder | undefined> {
  const [namespace, lease] = await Promise.all([
    connection.get(namespacePath, deadline),
    connection.get(`${leasePath}/${leaseName}`, deadline),
  ])
  const found = runningNamespace.safeParse(parseJSON(namespace.text))
  if (namespace.status !== 200 || !found.success) return undefined
  const { labels, creationTimestamp, deletionTimestamp } = found.data.metadata
  if (labels['app.kubernetes.io/managed-by'] !== 'conformance')
    return {
      kind: 'stranger',
      sentence: `namespace ${probeNamespace} on ${connection.context} was not made by this suite: rename it, or delete it yourself`,
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
    sentence: `another run (${holder}) has its probes on ${connection.context}, until ${new Date(lapses).toISOString()} at least; wait for it`,
  }
}

/** A holder on this very machine whose process no longer runs. */
function isGone(holder: string): boolean {
  const [host, pid] = holder.split('/')
  if (host !== hostname() || !/^\d+$/.test(pid ?? '')) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch {
    return true
  }
}

async function keepLease(connection: Connection, run: RunIdentity, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- as long as the run lasts
    await sleep(renewMs, undefined, { signal, ref: false }).catch(() => {})
    if (signal.aborted) return
    const { spec } = leaseObject(run, new Date())
    const change = {
      method: 'PATCH' as const,
      path: `${leasePath}/${leaseName}`,
      body: { spec },
      type: 'application/merge-patch+json',
    }
    // A renewal that got lost is made up for by the next.
    // oxlint-disable-next-line no-await-in-loop
    await connection.send(change, deadlineIn(renewMs)).catch(() => {})
  }
}

async function fill(
  run: RunIdentity,
  { connection, nodes, image, exporting }: ProbeSite,
  deadline: Deadline,
): Promise<ProbesOfCluster> {
  const made = await create(connection, `${namespacePath}/configmaps`, ownerObject(run), deadline)
  const { uid } = z.object({ metadata: z.object({ uid: z.string() }) }).parse(made).metadata
  const owner = { id: run.id, uid }
  const pods = podNames(nodes, run.id)
  await waitForAccount(connection, deadline)
  await Promise.all([
    ...pods.map((pod) => create(connection, `${namespacePath}/pods`, podObject(pod, image, owner), deadline)),
    ...(['meshed', 'plain', 'guarded'] as const).map((role: ProbeRole) =>
      create(
        connection,
        `${namespacePath}/services`,
        serviceObject(role, role, owner, role === 'meshed' ? exporting : {}),
        deadline,
      ),
    ),
  ])
  return { ...(await waitForPods(connection, pods, deadline)), owner }
}

/** A pod cannot be made before its service account exists. */
async function waitForAccount(connection: Connection, deadline: Deadline): Promise<void> {
  while ((await connection.get(`${namespacePath}/serviceaccounts/default`, deadline)).status !== 200) {
    await sleep(pauseMs / 2, undefined, { signal: deadline.signal })
  }
}

const sidecar = z.object({
  name: z.string(),
  lifecycle: z.object({ postStart: z.unknown().optional() }).optional(),
  startupProbe: z.unknown().optional(),
})
const started = z.object({ name: z.string(), ready: z.boolean(), started: z.boolean().default(false) })
const podStatus = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ initContainers: z.array(sidecar).default([]), containers: z.array(sidecar) }),
      status: z.object({
        phase: z.string().default('Pending'),
        reason: z.string().optional(),
        podIP: z.string().optional(),
        conditions: z
          .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
          .default([]),
        containerStatuses: z.array(started).default([]),
        initContainerStatuses: z.array(started).default([]),
      }),
    }),
  ),
})
type PodSeen = z.infer<typeof podStatus>['items'][number]

/**
 * Whether a pod can be used. A kubelet asks a proxy only every ten seconds whether it is ready; that it is, is known
 * earlier where the probe's own container had to wait for it: by the proxy's postStart, or by its startup probe.
 */
export function isUsable({ spec, status }: PodSeen): boolean {
  if (status.podIP === undefined) return false
  if (status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')) return true
  const all = [...status.initContainerStatuses, ...status.containerStatuses]
  const proxy = [...spec.initContainers, ...spec.containers].find(({ name }) => name === 'linkerd-proxy')
  const waitedFor = proxy === undefined || proxy.lifecycle?.postStart !== undefined || proxy.startupProbe !== undefined
  const hasStarted = proxy === undefined || all.some((one) => one.name === proxy.name && one.started)
  return waitedFor && hasStarted && all.some(({ name, ready }) => name === 'probe' && ready)
}

/** Waits for all of them; what is not ready when half of the time is over is reported, and the rest is used. */
async function waitForPods(
  connection: Connection,
  pods: readonly ProbePod[],
  deadline: Deadline,
): Promise<Pick<ProbesOfCluster, 'pods' | 'notReady'>> {
  const patience = deadlineIn(deadline.remainingMs() / 2, deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until they are ready
    const { text } = await connection.get(`${namespacePath}/pods`, deadline)
    const { items } = podStatus.parse(parseJSON(text))
    const seen = pods.map((pod) => {
      const item = items.find(({ metadata }) => metadata.name === pod.name)
      const status = item?.status
      const ready = status?.conditions.find(({ type }) => type === 'Ready')
      const address = status?.podIP ?? ''
      const reason =
        status === undefined ? 'is gone' : `${status.reason ?? status.phase}: ${ready?.message ?? 'not ready'}`
      return { pod, address, reason, isReady: item !== undefined && isUsable(item) }
    })
    if (seen.every(({ isReady }) => isReady) || patience.signal.aborted) {
      return {
        pods: seen.flatMap(({ pod, address, isReady }) => (isReady ? [{ ...pod, address }] : [])),
        notReady: seen.flatMap(({ pod, reason, isReady }) => (isReady ? [] : [{ ...pod, reason }])),
      }
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs)
  }
}

export async function create(
  connection: Connection,
  path: string,
  body: unknown,
  deadline: Deadline,
): Promise<unknown> {
  const answer = await connection.send({ method: 'POST', path, body }, deadline)
  if (answer.status !== 201) throw new NoProbes(saying(connection, `refused POST ${path}`, answer))
  return parseJSON(answer.text)
}

function saying(connection: Connection, what: string, answer: { status: number; text: string }): string {
  const failure = failureOf(answer, '')
  const reason = failure && 'reason' in failure ? failure.reason : `status ${answer.status}`
  return `${connection.context} ${what}: ${reason}`
}

/** Deletes the namespace, and waits until nothing of it is left. `run`: only if it is still that run's. */
export async function removeNamespace(
  connection: Connection,
  run: string | undefined,
  deadline: Deadline,
): Promise<'removed' | 'nothing there'> {
  const there = await connection.get(namespacePath, deadline)
  if (there.status === 404) return 'nothing there'
  const found = runningNamespace.safeParse(parseJSON(there.text))
  if (run !== undefined && found.success && found.data.metadata.labels['conformance/run'] !== run)
    return 'nothing there'
  // Pods first and with little grace: the namespace then has nothing to wait for.
  await connection
    .send({ method: 'DELETE', path: `${namespacePath}/pods?gracePeriodSeconds=1` }, deadline)
    .catch(() => undefined)
  const gone = await connection.send({ method: 'DELETE', path: namespacePath }, deadline)
  if (gone.status >= 400 && gone.status !== 404 && gone.status !== 409)
    throw new NoProbes(saying(connection, 'did not delete the namespace of the probes', gone))
  // oxlint-disable-next-line no-await-in-loop -- until it is gone
  while ((await connection.get(namespacePath, deadline)).status !== 404)
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  return 'removed'
}

/** `pnpm sweep`: what became of the probes on one cluster, as a line for a person. */
export async function sweep(
  connection: Connection,
  force: boolean,
  deadline: Deadline,
): Promise<{ line: string; isClean: boolean }> {
  try {
    const holder = await whoHolds(connection, deadline)
    // Force is for runs that hang, never for what somebody else has made.
    if (holder?.kind === 'stranger' || (holder && !force)) return { line: holder.sentence, isClean: false }
    const result = await removeNamespace(connection, undefined, deadline)
    return {
      line: `${connection.context}: ${result === 'removed' ? `namespace ${probeNamespace} removed` : 'nothing left over'}`,
      isClean: true,
    }
  } catch (error) {
    return { line: `${connection.context}: ${messageOf(error)}`, isClean: false }
  }
}
