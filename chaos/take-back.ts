import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { change, jsonPatch, mergePatch, readNodes } from './cluster-reads.ts'
import { chaosMeshGroup, chaosMeshVersion } from './drivers/chaos-mesh.ts'
import { rebuildLost } from './drivers/cluster.ts'
import { scaleTo } from './drivers/kubernetes.ts'
import type { Field } from './field.ts'
import { deleteBucket } from './restore/store.ts'
import type { Undo } from './undo.ts'
import { undoText } from './undo.ts'

/** What became of an undo. Doing one twice is no error. */
export type TakenBack = { undo: Undo; text: string; failure?: string }

const pauseMs = 1_000

/** Does each undo, whatever becomes of the others. What the way to a cluster hides is tried again until the deadline. */
export async function takeBack(all: readonly Undo[], field: Field, deadline: Deadline): Promise<TakenBack[]> {
  // Several targets may share one way back.
  const undos = [...new Map(all.map((undo) => [JSON.stringify(undo), undo])).values()]
  // Power and link first: an API server without quorum cannot undo anything else.
  const [machines, objects] = [undos.filter(isOfMachines), undos.filter((undo) => !isOfMachines(undo))]
  const first = await Promise.all(machines.map((undo) => patiently(undo, field, deadline)))
  return [...first, ...(await Promise.all(objects.map((undo) => patiently(undo, field, deadline))))]
}

const isOfMachines = ({ do: what }: Undo) => what === 'power on' || what === 'join link' || what === 'rebuild cluster'

async function patiently(undo: Undo, field: Field, deadline: Deadline): Promise<TakenBack> {
  const text = undoText(undo)
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- tried again after a pause
      await takeBackOne(undo, field, deadline)
      return { undo, text }
    } catch (error) {
      if (deadline.remainingMs() < pauseMs) return { undo, text, failure: messageOf(error) }
      // oxlint-disable-next-line no-await-in-loop
      await sleep(pauseMs)
    }
  }
}

async function takeBackOne(undo: Undo, field: Field, deadline: Deadline): Promise<void> {
  switch (undo.do) {
    case 'wait for owner':
      return
    case 'power on':
      if (!field.power) throw new Error(`nobody here can switch ${undo.node} on`)
      return field.power.on(undo.node, deadline)
    case 'rebuild cluster':
      return rebuildLost(undo, field, deadline)
    case 'join link':
      if (!field.link) throw new Error('nobody here can join the link')
      return field.link.join()
    case 'scale':
      return scaleTo(field.connections[undo.cluster], undo, undo.replicas, deadline)
    case 'uncordon':
      await change(
        field.connections[undo.cluster],
        {
          method: 'PATCH',
          path: `/api/v1/nodes/${undo.node}`,
          type: mergePatch,
          body: { spec: { unschedulable: null } },
        },
        deadline,
      )
      return
    case 'untaint':
      return untaint(undo, field, deadline)
    case 'delete chaos': {
      const { plural, namespace, name } = undo
      const path = `/apis/${chaosMeshGroup}/${chaosMeshVersion}/namespaces/${namespace}/${plural}/${name}`
      const connection = field.connections[undo.cluster]
      await change(connection, { method: 'DELETE', path }, deadline, [404])
      // Its finalizer goes when its pods have recovered.
      // oxlint-disable-next-line no-await-in-loop -- until it is gone
      while ((await connection.get(path, deadline)).status !== 404) {
        if (deadline.remainingMs() < pauseMs) throw new Error('its finalizer is still there: pods have not recovered')
        // oxlint-disable-next-line no-await-in-loop
        await sleep(300)
      }
      return
    }
    case 'delete bucket':
      return deleteBucket(undo.bucket, undo.store, undo.cluster, field, deadline)
    case 'delete workloads':
      return deleteNamespace(undo.cluster, undo.namespace, field, deadline)
  }
}

/** Only the taint of chaos goes, and only if nobody changed the list meanwhile. */
async function untaint(undo: Extract<Undo, { do: 'untaint' }>, field: Field, deadline: Deadline): Promise<void> {
  const connection = field.connections[undo.cluster]
  const node = (await readNodes(connection, deadline)).find(({ metadata }) => metadata.name === undo.node)
  const index = node?.spec.taints.findIndex(({ key }) => key === undo.key) ?? -1
  if (index < 0) return
  const body = [
    { op: 'test', path: `/spec/taints/${index}/key`, value: undo.key },
    { op: 'remove', path: `/spec/taints/${index}` },
  ]
  await change(connection, { method: 'PATCH', path: `/api/v1/nodes/${undo.node}`, type: jsonPatch, body }, deadline)
}

/** Deletes a namespace and waits until it is gone. */
export async function deleteNamespace(
  cluster: 'infra' | 'apps',
  namespace: string,
  { connections }: Field,
  deadline: Deadline,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}`
  const connection = connections[cluster]
  await change(connection, { method: 'DELETE', path }, deadline, [404, 409])
  // oxlint-disable-next-line no-await-in-loop -- until it is gone
  while ((await connection.get(path, deadline)).status !== 404) await sleep(300, undefined, { signal: deadline.signal })
}
