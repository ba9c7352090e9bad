import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { Connection } from '../../cluster/connection.ts'
import { isGone, thisHolder } from '../../cluster/holder.ts'
import { parseJSON } from '../../cluster/json.ts'
import { change, mergePatch, readObject } from '../cluster-reads.ts'
import { chaosNamespace, experimentLabel, leaseName, managedBy, stopName } from '../names.ts'
import type { Intent } from './disk.ts'
import { intentSchema } from './disk.ts'

const leaseSeconds = 60
const renewMs = 15_000
const namespacePath = `/api/v1/namespaces/${chaosNamespace}`
const configMapsPath = `${namespacePath}/configmaps`
const leasesPath = `/apis/coordination.k8s.io/v1/namespaces/${chaosNamespace}/leases`
const leasePath = `${leasesPath}/${leaseName}`

/** Kubernetes wants six digits after the second. */
const microTime = (date: Date) => date.toISOString().replace('Z', '000Z')

const leaseSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ holderIdentity: z.string().default('?'), renewTime: z.string(), leaseDurationSeconds: z.number() }),
})

/** Who has an experiment on a cluster; undefined when nobody has, or its holder has not renewed it in time. */
export async function holderOn(connection: Connection, deadline: Deadline): Promise<string | undefined> {
  const lease = await readObject(connection, leasePath, leaseSchema, deadline)
  if (!lease) return undefined
  const { holderIdentity, renewTime, leaseDurationSeconds } = lease.spec
  const lapsed = Date.parse(renewTime) + leaseDurationSeconds * 1_000 < Date.now()
  return lapsed || isGone(holderIdentity) ? undefined : holderIdentity
}

/** Takes the Lease of a cluster. Throws when somebody else was quicker: the API server lets only one create it. */
export async function takeLease(connection: Connection, id: string, deadline: Deadline): Promise<void> {
  await makeNamespace(connection, deadline)
  const now = microTime(new Date())
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: leaseName, namespace: chaosNamespace, labels: { ...managedBy, [experimentLabel]: id } },
    spec: { holderIdentity: thisHolder(), leaseDurationSeconds: leaseSeconds, acquireTime: now, renewTime: now },
  }
  if ((await holderOn(connection, deadline)) === undefined)
    await change(connection, { method: 'DELETE', path: leasePath }, deadline, [404])
  await change(connection, { method: 'POST', path: leasesPath, body: lease }, deadline)
}

async function makeNamespace(connection: Connection, deadline: Deadline): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: chaosNamespace,
      labels: { ...managedBy },
      annotations: { 'conformance/what': 'intents and records of chaos; removed by pnpm chaos:sweep' },
    },
  }
  await change(connection, { method: 'POST', path: '/api/v1/namespaces', body }, deadline, [409])
}

/** Renews the Lease until it is told to end. A renewal that is lost is made up for by the next. */
export async function keepLease(connection: Connection, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- as long as the experiment lasts
    await sleep(renewMs, undefined, { signal, ref: false }).catch(() => {})
    if (signal.aborted) return
    const body = { spec: { renewTime: microTime(new Date()) } }
    // oxlint-disable-next-line no-await-in-loop
    await connection
      .send({ method: 'PATCH', path: leasePath, body, type: mergePatch }, deadlineIn(renewMs))
      .catch(() => {})
  }
}

export const configMapName = (id: string) => `experiment-${id}`

/** Writes the intent into the cluster: whoever comes later finds it by its label. */
export async function recordIntent(connection: Connection, intent: Intent, deadline: Deadline): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: configMapName(intent.id),
      namespace: chaosNamespace,
      labels: { ...managedBy, [experimentLabel]: intent.id },
    },
    data: { 'intent.json': JSON.stringify(intent) },
  }
  await change(connection, { method: 'POST', path: configMapsPath, body }, deadline, [409])
}

const intentMaps = z.object({
  items: z.array(
    z.object({ metadata: z.object({ name: z.string() }), data: z.record(z.string(), z.string()).default({}) }),
  ),
})

/** Intents that a cluster knows of. */
export async function intentsOn(connection: Connection, deadline: Deadline): Promise<Intent[]> {
  const path = `${configMapsPath}?labelSelector=${encodeURIComponent(experimentLabel)}`
  const found = await readObject(connection, path, intentMaps, deadline)
  return (found?.items ?? []).flatMap(({ data }) => {
    const parsed = intentSchema.safeParse(parseJSON(data['intent.json'] ?? ''))
    return parsed.success ? [parsed.data] : []
  })
}

/** Takes Lease and intent of an experiment away: it is over. */
export async function forgetIntent(connection: Connection, id: string, deadline: Deadline): Promise<void> {
  await change(connection, { method: 'DELETE', path: `${configMapsPath}/${configMapName(id)}` }, deadline, [404])
  const lease = await readObject(connection, leasePath, leaseSchema, deadline)
  if (lease?.metadata.labels[experimentLabel] === id)
    await change(connection, { method: 'DELETE', path: leasePath }, deadline, [404])
}

/** The ConfigMap that stops everything on a cluster, as a reason. */
export async function stopOn(connection: Connection, deadline: Deadline): Promise<string | undefined> {
  const stop = await readObject(
    connection,
    `${configMapsPath}/${stopName}`,
    z.object({ data: z.record(z.string(), z.string()).default({}) }),
    deadline,
  )
  if (!stop) return undefined
  const reason = stop.data['reason']
  return `ConfigMap ${chaosNamespace}/${stopName} on ${connection.context}${reason === undefined ? '' : `: ${reason}`}`
}

export async function clearStopOn(connection: Connection, deadline: Deadline): Promise<void> {
  await change(connection, { method: 'DELETE', path: `${configMapsPath}/${stopName}` }, deadline, [404])
}
