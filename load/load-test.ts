import { z } from 'zod'
import { deadlineIn } from '../check/deadline.ts'
import type { Deadline } from '../check/deadline.ts'
import { SetupError } from '../check/setup-error.ts'
import type { Snapshot } from '../check/source.ts'
import type { Connection } from '../cluster/connection.ts'
import { parseJSON } from '../cluster/json.ts'
import { newRun, takeNamespaces } from '../cluster/own-namespace.ts'
import { loads } from '../cluster/own-objects.ts'
import { exportingLabels } from '../cluster/probes/probes.ts'
import type { Connections } from '../cluster/snapshot.ts'
import type { LoadSettings, Target } from '../cluster/target.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import type { RanBlock } from './batch.ts'
import { blockText } from './figures.ts'
import { snapshotOf } from './findings.ts'
import type { Findings, LoadTest } from './measure.ts'
import { clusters, measure, readOnApps } from './measure.ts'
import { formText } from './generators.ts'
import type { GeneratorForm, K6Program } from './objects.ts'
import type { TestPlan } from './plan.ts'
import { randomFrom } from './random.ts'
import type { LoadSite } from './servers.ts'
import { raiseServers } from './servers.ts'
import { guardsOf, otherRun, watch } from './watch.ts'

export type LoadTestRequest = {
  target: Target
  connections: Connections
  platform: Platform
  plan: TestPlan
  settings: LoadSettings
  k6: K6Program
  form: GeneratorForm
  seed: number
  signal: AbortSignal
  say: (line: string) => void
}

export type LoadTestRun = {
  snapshot: Snapshot
  findings: Findings
  counts: Record<ClusterName, { nodes: number; pods: number }>
  /** Why it ended before its time; undefined when it did not. */
  stopped: string | undefined
}

const removalSeconds = 20
const setUpSeconds = 90

/**
 * Takes the namespace on both clusters, measures, and removes everything again, however it ends. What was measured
 * when a stop condition ended it is returned. Throws when it was cancelled, or its pods did not come.
 */
export async function runLoadTest(request: LoadTestRequest): Promise<LoadTestRun> {
  const { connections, platform, plan, form, signal, say } = request
  const began = performance.now()
  const setUp = deadlineIn(setUpSeconds * 1_000, signal)
  const other = await otherRun([connections.infra, connections.apps])
  if (other !== undefined) throw occupied(other)
  const counts = {
    infra: await countsOf(connections.infra, setUp),
    apps: await countsOf(connections.apps, setUp),
  }
  const stopper = new AbortController()
  const taken = await takeNamespaces(loads, newRun(), [connections.infra, connections.apps], setUp)
  const leave = new AbortController()
  let stopped: string | undefined
  const stop = (reason: string) => {
    stopped = reason
    say(`  the load ends: ${reason}`)
    stopper.abort(new Error(reason))
  }
  try {
    const sites = sitesOf(request, taken.owners, counts)
    const test: LoadTest = {
      sites,
      nodesOfApps: counts.apps.names,
      plan,
      platform,
      random: randomFrom(request.seed),
      onBlock: (what, rate, ran) => say(blockLine(what, rate, ran, { plan, began })),
      onFailure: (what, reason) => say(`  ${what}: a batch came to nothing: ${reason}`),
    }
    const idle = readOnApps(test, setUp)
    await Promise.all([
      idle.catch(() => {}),
      ...clusters.map((cluster) => raiseServers(sites[cluster], exportingLabels(platform.names), setUp)),
    ])
    say(`  servers stand after ${clock(performance.now() - began)}; k6 runs as ${formText(form)}`)
    const guards = guardsOf(connections, request.settings.watch)
    void watch(guards, () => otherRun([connections.infra, connections.apps]), stop, { signal: leave.signal })
    const leftMs = plan.budgetSeconds * 1_000 - (performance.now() - began) - removalSeconds * 1_000
    const findings = await measure(test, idle, deadlineIn(leftMs, AbortSignal.any([signal, stopper.signal])))
    signal.throwIfAborted()
    const shape = {
      seconds: plan.shape.seconds,
      crossSeconds: plan.cross.shape.seconds,
      seed: request.seed,
      finishedAt: new Date(),
    }
    return { findings, stopped, counts, snapshot: snapshotOf(findings, shape) }
  } finally {
    leave.abort()
    await taken.remove()
    say(`  everything of it is removed after ${clock(performance.now() - began)}`)
  }
}

const occupied = (sentence: string) =>
  new SetupError({
    what: 'beginning a load test',
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
  { connections, platform, settings, k6, form }: LoadTestRequest,
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

const clock = (ms: number) => {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function blockLine(
  what: string,
  rate: number,
  { block, reasons }: RanBlock,
  { plan, began }: { plan: TestPlan; began: number },
): string {
  const passed = performance.now() - began
  const left = clock(Math.max(0, plan.budgetSeconds * 1_000 - passed))
  return `  ${clock(passed)}, ${left} left at most   ${what} at ${rate}/s   ${blockText(block, reasons)}`
}
