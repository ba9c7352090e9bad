import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { ClusterName, Names } from '../../platform/platform.ts'
import type { Connection } from '../connection.ts'
import { parseJSON } from '../json.ts'
import { create, pathOf, takeNamespaces } from '../own-namespace.ts'
import type { Owner, RunIdentity } from '../own-objects.ts'
import { probes as own } from '../own-objects.ts'
import type { ProbePod, ProbeRole } from './objects.ts'
import { podNames, podObject, serviceObject } from './objects.ts'

const pauseMs = 400
const namespacePath = pathOf(own)

/** The probe pods of a run on one cluster. Those that did not get ready are listed with the reason. */
export type ProbesOfCluster = {
  pods: (ProbePod & { address: string })[]
  notReady: (ProbePod & { reason: string })[]
  /** The object that owns everything of the run in this cluster. */
  owner: Owner
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

export type Raised = { probes: Probes; remove: () => Promise<void> }

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
  const { owners, remove } = await takeNamespaces(own, run, [sites.infra.connection, sites.apps.connection], deadline)
  try {
    const [ofInfra, ofApps] = owners
    if (!ofInfra || !ofApps) throw new Error('two namespaces were to be taken')
    const [infra, apps] = await Promise.all([
      fill(run, sites.infra, ofInfra, deadline),
      fill(run, sites.apps, ofApps, deadline),
    ])
    return { probes: { run, on: { infra, apps } }, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function fill(
  run: RunIdentity,
  { connection, nodes, image, exporting }: ProbeSite,
  owner: Owner,
  deadline: Deadline,
): Promise<ProbesOfCluster> {
  const pods = podNames(nodes, run.id)
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
