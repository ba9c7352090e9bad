import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { SetupError } from '../check/setup-error.ts'
import type { Connection } from '../cluster/connection.ts'
import { parseJSON } from '../cluster/json.ts'
import { newRun, takeNamespaces } from '../cluster/own-namespace.ts'
import { loads } from '../cluster/own-objects.ts'
import { exportingLabels } from '../cluster/probes/probes.ts'
import type { Connections } from '../cluster/snapshot.ts'
import type { LoadSettings } from '../cluster/target.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import { formText } from './generators.ts'
import { clusters } from './measure.ts'
import type { GeneratorForm, K6Program } from './objects.ts'
import type { LoadSite, Server } from './servers.ts'
import { raiseServers } from './servers.ts'
import { guardsOf, otherRun, watch } from './watch.ts'

export type HoldRequest = {
  connections: Connections
  platform: Platform
  settings: LoadSettings
  k6: K6Program
  form: GeneratorForm
  /** From the first pod until everything is removed. */
  budgetSeconds: number
  servers: Record<ClusterName, readonly Server[]>
  signal: AbortSignal
  say: (line: string) => void
}

export type Held = {
  sites: Record<ClusterName, LoadSite>
  counts: Record<ClusterName, Counts>
  /** Milliseconds since it began. */
  passedMs: () => number
}

const removalSeconds = 20
const setUpSeconds = 90

/**
 * Takes the namespace on both clusters, raises servers, and removes everything again, however `work` ends. `meanwhile`
 * begins before there is any server. The deadline of `work` ends by itself when a stop condition is met, which is then
 * its second result. Throws when it was cancelled, or its pods did not come.
 */
export async function onHeldClusters<P, T>(
  request: HoldRequest,
  meanwhile: (held: Held, deadline: Deadline) => Promise<P>,
  work: (held: Held, begun: Promise<P>, deadline: Deadline) => Promise<T>,
): Promise<{ result: T; counts: Held['counts']; stopped: string | undefined }> {
  const { connections, platform, servers, form, signal, say } = request
  const began = performance.now()
  const passedMs = () => performance.now() - began
  const setUp = deadlineIn(setUpSeconds * 1_000, signal)
  const both = [connections.infra, connections.apps]
  const other = await otherRun(both)
  if (other !== undefined) throw occupied(other)
  const counts = {
    infra: await countsOf(connections.infra, setUp),
    apps: await countsOf(connections.apps, setUp),
  }
  const stopper = new AbortController()
  const taken = await takeNamespaces(loads, newRun(), both, setUp)
  const leave = new AbortController()
  let stopped: string | undefined
  const stop = (reason: string) => {
    stopped = reason
    say(`  the load ends: ${reason}`)
    stopper.abort(new Error(reason))
  }
  try {
    const held = { sites: sitesOf(request, taken.owners, counts), counts, passedMs }
    const begun = meanwhile(held, setUp)
    // Without a look at its reason it would count as unhandled until it is awaited.
    begun.catch(() => {})
    const raised = clusters.map((cluster) =>
      raiseServers(held.sites[cluster], servers[cluster], exportingLabels(platform.names), setUp),
    )
    await Promise.all([Promise.allSettled([begun]), ...raised])
    say(`  servers stand after ${clock(passedMs())}; k6 runs as ${formText(form)}`)
    void watch(guardsOf(connections, request.settings.watch), () => otherRun(both), stop, { signal: leave.signal })
    const leftMs = (request.budgetSeconds - removalSeconds) * 1_000 - passedMs()
    const result = await work(held, begun, deadlineIn(leftMs, AbortSignal.any([signal, stopper.signal])))
    signal.throwIfAborted()
    return { result, counts, stopped }
  } finally {
    leave.abort()
    await taken.remove().catch((error: unknown) => {
      throw leftOver(messageOf(error))
    })
    say(`  everything of it is removed after ${clock(passedMs())}`)
  }
}

const leftOver = (sentence: string) =>
  new SetupError({
    what: 'removing what the load had made',
    where: 'both clusters',
    expected: 'nothing of it left',
    found: sentence,
    try: 'pnpm sweep, once the API servers answer again',
  })

const occupied = (sentence: string) =>
  new SetupError({
    what: 'beginning a load',
    where: 'both clusters',
    expected: 'no other run of the suite: they would measure each other',
    found: sentence,
    try: 'wait until it has ended, or pnpm sweep if it was killed',
  })

const nodeList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ unschedulable: z.boolean().default(false) }).default({ unschedulable: false }),
      status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) }),
    }),
  ),
})

type Counts = { nodes: number; pods: number; names: string[]; ready: string[] }

async function countsOf(connection: Connection, deadline: Deadline): Promise<Counts> {
  const [nodes, pods] = await Promise.all([
    connection.get('/api/v1/nodes', deadline),
    connection.get('/api/v1/pods?limit=1', deadline),
  ])
  const parsed = nodeList.safeParse(parseJSON(nodes.text))
  if (nodes.status !== 200 || !parsed.success)
    throw new Error(`${connection.context} answered ${nodes.status} for its nodes: ${nodes.text.slice(0, 200)}`)
  const shape = z.object({
    items: z.array(z.unknown()),
    metadata: z.object({ remainingItemCount: z.number().default(0) }),
  })
  const some = shape.safeParse(parseJSON(pods.text))
  const names = parsed.data.items.map(({ metadata }) => metadata.name)
  const ready = parsed.data.items
    .filter(
      ({ spec, status }) =>
        !spec.unschedulable && status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    )
    .map(({ metadata }) => metadata.name)
  const count = some.success ? some.data.items.length + some.data.metadata.remainingItemCount : 0
  return { nodes: names.length, pods: count, names, ready }
}

function sitesOf(
  { connections, platform, settings, k6, form }: HoldRequest,
  owners: readonly { id: string; uid: string }[],
  counts: Record<ClusterName, Counts>,
): Record<ClusterName, LoadSite> {
  const site = (cluster: ClusterName, index: number): LoadSite => {
    const owner = owners[index]
    // The last ones: what a cluster cannot do without often lives on the first.
    const [server, client = server] = counts[cluster].ready.toReversed()
    if (!owner || server === undefined || client === undefined) throw new Error(`${cluster} has no node that is ready`)
    return {
      cluster,
      connection: connections[cluster],
      owner,
      nodes: { server, client },
      serverImage: settings.serverImage,
      k6,
      form,
      clusterDomain: platform.names.network.clusterDomain.name,
    }
  }
  return { infra: site('infra', 0), apps: site('apps', 1) }
}

export const clock = (ms: number) => {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
