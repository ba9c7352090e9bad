import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Connection } from '../cluster/connection.ts'
import type { ClusterName } from '../platform/platform.ts'
import { readNodes, readObject } from './cluster-reads.ts'
import { chaosMeshGroup, chaosMeshPlurals, chaosMeshVersion } from './drivers/chaos-mesh.ts'
import { taintKey } from './drivers/kubernetes.ts'
import type { Field } from './field.ts'
import type { Intent, Recorded } from './journal/disk.ts'
import { openJournal, readJournals, unfinishedIn } from './journal/disk.ts'
import { clearStopOn, forgetIntent, holderOn, intentsOn, stopOn } from './journal/in-cluster.ts'
import { isGone } from '../cluster/holder.ts'
import { chaosNamespace, experimentLabel, workloadNamespace } from './names.ts'
import { clearStop } from './stop.ts'
import { deleteNamespace, takeBack } from './take-back.ts'
import type { Undo } from './undo.ts'
import { undoMs } from './undo.ts'

const lookMs = 20_000
const forgetMs = 180_000

export type Swept = { lines: string[]; isClean: boolean }

/**
 * Takes back whatever chaos has left: what journals and clusters know of, then what carries its label. Says what could not
 * be taken back, and what somebody else still runs.
 */
export async function sweep(field: Field, { clearsStop }: { clearsStop: boolean }): Promise<Swept> {
  const lines: string[] = []
  const held = await holders(field)
  for (const [cluster, holder] of held) lines.push(`${cluster}: ${holder} has an experiment; it is left alone`)
  const busy = held.map(([cluster]) => cluster)
  const free = (['infra', 'apps'] as const).filter((cluster) => !busy.includes(cluster))
  const journals = unfinishedIn(readJournals()).filter(({ intent }) => isGone(intent.holder))
  const intents = await allIntents(field, journals, free)
  const undo = [...intents.flatMap((intent) => intent.undo), ...(await labelled(field, free))]
  const taken = await takeBack(undo, field, deadlineIn(undoMs(undo)))
  for (const { text, failure, undo: one } of taken) {
    if (failure !== undefined) lines.push(`NOT taken back: ${text}: ${failure}`)
    else if (one.do !== 'wait for owner') lines.push(`taken back: ${text}`)
  }
  if (clearsStop) {
    clearStop()
    await Promise.all(free.map((cluster) => clearStopOn(field.connections[cluster], deadlineIn(lookMs))))
    lines.push('the stop is cleared')
  }
  const failed = taken.some(({ failure }) => failure !== undefined)
  const left = await residue(field, free)
  lines.push(...left.map((line) => `left over: ${line}`))
  if (!failed && left.length === 0) lines.push(...(await forget(field, free, journals)))
  const isClean = !failed && left.length === 0 && busy.length === 0
  return { lines: lines.length === 0 ? ['nothing was left over'] : lines, isClean }
}

async function holders(field: Field): Promise<[ClusterName, string][]> {
  const found = await Promise.all(
    (['infra', 'apps'] as const).map(async (cluster): Promise<[ClusterName, string | undefined]> => [
      cluster,
      // A cluster that cannot be asked may have lost its quorum to chaos: the way back is tried.
      await holderOn(field.connections[cluster], deadlineIn(lookMs)).catch(() => undefined),
    ]),
  )
  return found.flatMap(([cluster, holder]) =>
    holder === undefined ? [] : [[cluster, holder] as [ClusterName, string]],
  )
}

async function allIntents(
  field: Field,
  journals: readonly Recorded[],
  clusters: readonly ClusterName[],
): Promise<Intent[]> {
  const known = await Promise.all(
    clusters.map((cluster) => intentsOn(field.connections[cluster], deadlineIn(lookMs)).catch(() => [])),
  )
  return [...journals.map(({ intent }) => intent), ...known.flat()]
}

const labelledList = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string().optional() }) })),
})

/** What carries the label of chaos and no journal knows of: objects of Chaos Mesh, taints, workloads. */
async function labelled(field: Field, clusters: readonly ClusterName[]): Promise<Undo[]> {
  const found = await Promise.all(
    clusters.map(async (cluster) => {
      const connection = field.connections[cluster]
      const deadline = deadlineIn(lookMs)
      try {
        return [
          ...(await chaosObjects(cluster, connection, deadline)),
          ...(await taints(cluster, connection, deadline)),
          ...(await workloads(cluster, connection, deadline)),
        ]
      } catch {
        return []
      }
    }),
  )
  return found.flat()
}

async function chaosObjects(cluster: ClusterName, connection: Connection, deadline: Deadline): Promise<Undo[]> {
  const lists = await Promise.all(
    chaosMeshPlurals.map(async (plural) => {
      const path = `/apis/${chaosMeshGroup}/${chaosMeshVersion}/${plural}?labelSelector=${encodeURIComponent(experimentLabel)}`
      const found = await readObject(connection, path, labelledList, deadline)
      return (found?.items ?? []).map(({ metadata: { name, namespace = '' } }): Undo => ({
        do: 'delete chaos',
        cluster,
        plural,
        namespace,
        name,
      }))
    }),
  )
  return lists.flat()
}

const taints = async (cluster: ClusterName, connection: Connection, deadline: Deadline): Promise<Undo[]> =>
  (await readNodes(connection, deadline))
    .filter(({ spec }) => spec.taints.some(({ key }) => key === taintKey))
    .map(({ metadata }) => ({ do: 'untaint', cluster, node: metadata.name, key: taintKey }))

async function workloads(cluster: ClusterName, connection: Connection, deadline: Deadline): Promise<Undo[]> {
  const { status } = await connection.get(`/api/v1/namespaces/${workloadNamespace}`, deadline)
  return status === 200 ? [{ do: 'delete workloads', cluster, namespace: workloadNamespace }] : []
}

/** What is still there of chaos after everything was taken back. */
async function residue(field: Field, clusters: readonly ClusterName[]): Promise<string[]> {
  try {
    const undo = await labelled(field, clusters)
    const machines = (await field.picture(clusters)).filter((line) => / is off$|link-cut/.test(line))
    return [...undo.map((one) => JSON.stringify(one)), ...machines]
  } catch (error) {
    return [`nobody could look: ${messageOf(error)}`]
  }
}

/** Takes the namespace of chaos away, unless it stops everything, and closes the journals of the dead. */
async function forget(
  field: Field,
  clusters: readonly ClusterName[],
  journals: readonly Recorded[],
): Promise<string[]> {
  const gone = await Promise.all(
    clusters.map(async (cluster) => {
      const connection = field.connections[cluster]
      const path = `/api/v1/namespaces/${chaosNamespace}`
      const deadline = deadlineIn(forgetMs)
      if ((await connection.get(path, deadline)).status === 404) return []
      const stop = await stopOn(connection, deadline)
      if (stop === undefined) {
        await deleteNamespace(cluster, chaosNamespace, field, deadline)
        return [`${cluster}: namespace ${chaosNamespace} removed`]
      }
      await Promise.all((await intentsOn(connection, deadline)).map(({ id }) => forgetIntent(connection, id, deadline)))
      return [`${cluster}: ${stop}; it stays until pnpm chaos:sweep --clear-stop`]
    }),
  )
  for (const { intent } of journals) openJournal(intent.id).write('ended', { note: 'swept' })
  return [...gone.flat(), ...journals.map(({ intent }) => `${intent.id} (${intent.scenario}) is closed`)]
}
