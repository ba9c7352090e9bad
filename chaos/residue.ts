import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Connection } from '../cluster/connection.ts'
import type { ClusterName } from '../platform/platform.ts'
import { isCurrent, isReady, ownerOf, readNodes, readObject, readPods } from './cluster-reads.ts'
import type { Field } from './field.ts'
import { chaosNamespace, workloadNamespace } from './names.ts'
import { withoutHandedOut } from './restore/portable.ts'

/** The state of the clusters and machines as lines: two of them are compared, and every difference is residue. */
export type Picture = string[]

const looseList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
      spec: z.unknown().optional(),
      data: z.unknown().optional(),
    }),
  ),
})

/** What a fault or its undo could have changed. Statuses are told by the pods. */
const lists = [
  { kind: 'Namespace', path: '/api/v1/namespaces', withContent: false },
  { kind: 'Service', path: '/api/v1/services', withContent: true },
  { kind: 'Deployment', path: '/apis/apps/v1/deployments', withContent: true },
  { kind: 'StatefulSet', path: '/apis/apps/v1/statefulsets', withContent: true },
  { kind: 'DaemonSet', path: '/apis/apps/v1/daemonsets', withContent: true },
  { kind: 'ConfigMap', path: '/api/v1/configmaps', withContent: false },
  { kind: 'NetworkPolicy', path: '/apis/networking.k8s.io/v1/networkpolicies', withContent: true },
  { kind: 'PodDisruptionBudget', path: '/apis/policy/v1/poddisruptionbudgets', withContent: true },
  { kind: 'Job', path: '/apis/batch/v1/jobs', withContent: false },
] as const

/** `isNewAfter`: it is another cluster then, which hands out addresses and ports anew. */
export type Comparing = { isNewAfter?: boolean }

/** The state of these clusters, and of the machines below them. */
export async function pictureOf(
  field: Pick<Field, 'connections' | 'picture'>,
  clusters: readonly ClusterName[],
  deadline: Deadline,
  comparing: Comparing = {},
): Promise<Picture> {
  const seen = await Promise.all(
    clusters.map((cluster) => pictureOfCluster(cluster, field.connections[cluster], deadline, comparing)),
  )
  return [...seen.flat(), ...(await field.picture(clusters))].toSorted()
}

async function pictureOfCluster(
  cluster: ClusterName,
  connection: Connection,
  deadline: Deadline,
  { isNewAfter = false }: Comparing,
): Promise<Picture> {
  const [nodes, pods, ...objects] = await Promise.all([
    readNodes(connection, deadline),
    readPods(connection, deadline),
    ...lists.map(async ({ kind, path, withContent }) => {
      const { items } = (await readObject(connection, path, looseList, deadline)) ?? { items: [] }
      return items.map(({ metadata, spec }) => {
        const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
        return `${kind} ${name}${withContent ? ` ${digest(isNewAfter ? withoutHandedOut(spec) : spec)}` : ''}`
      })
    }),
  ])
  const taints = nodes.map(
    (node) =>
      `Node ${node.metadata.name} ${isReady(node) ? 'Ready' : 'not Ready'}${node.spec.unschedulable ? ' cordoned' : ''} taints ${JSON.stringify(node.spec.taints)}`,
  )
  return [...taints, ...podLines(pods), ...objects.flat()]
    .filter((line) => !line.includes(chaosNamespace) && !line.includes(workloadNamespace))
    .map((line) => `${cluster}: ${line}`)
}

/** Pods come and go; that an owner has as many ready ones as before is what counts. */
function podLines(pods: Awaited<ReturnType<typeof readPods>>): string[] {
  const owners = Map.groupBy(pods, (pod) => `${pod.metadata.namespace}/${ownerOf(pod)?.name ?? pod.metadata.name}`)
  return [...owners].map(([owner, owned]) => {
    const there = owned.filter(isCurrent)
    const going = owned.length - there.length
    return `Pods of ${owner}: ${there.filter(isReady).length} of ${there.length} ready${going > 0 ? `, ${going} on their way out` : ''}`
  })
}

const digest = (value: unknown) =>
  createHash('sha256')
    .update(JSON.stringify(value ?? null))
    .digest('hex')
    .slice(0, 12)

/** `+ line` is there and was not, `- line` was there and is not. */
export function differencesOf(before: Picture, after: Picture): string[] {
  const [old, now] = [new Set(before), new Set(after)]
  return [
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
  ]
}

/** Waits until everything is as it was, and returns what is not when the time is over. */
export async function residueAfter(
  before: Picture,
  field: Field,
  clusters: readonly ClusterName[],
  deadline: Deadline,
  comparing: Comparing = {},
): Promise<string[]> {
  let left = ['nothing could be looked at']
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it is as before
      left = differencesOf(before, await pictureOf(field, clusters, deadlineIn(15_000, deadline.signal), comparing))
      if (left.length === 0) return []
    } catch (error) {
      if (!deadline.signal.aborted) left = [`the state could not be read: ${messageOf(error)}`]
    }
    if (deadline.signal.aborted) return left
    // oxlint-disable-next-line no-await-in-loop
    await sleep(1_000)
  }
}
