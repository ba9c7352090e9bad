import { chown, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Client } from 'pg'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { parseJSON } from '../../cluster/json.ts'
import type { ClusterName } from '../../platform/platform.ts'
import type { SeenPod } from '../cluster-reads.ts'
import { change, isCurrent, isReady, readObject, readPods } from '../cluster-reads.ts'
import type { Field, KeptStore } from '../field.ts'
import { patiently } from '../patiently.ts'
import { asOwner, labelFile, takeBaseBackup } from '../restore/base-backup.ts'
import { backUpText, dumped, makeRepository, restoreInto } from '../restore/restic.ts'
import { dataOf, sourcePod } from '../restore/scratch-pod.ts'
import type { Fault } from '../scenario.ts'

type RebuildFault = Extract<Fault, { driver: 'cluster' }>
type Keeping = {
  cluster: ClusterName
  fault: RebuildFault
  field: Pick<Field, 'connections'>
  tools: NonNullable<Field['restore']>
  store: KeptStore
  deadline: Deadline
}

const objectsName = 'objects.json'

const snapshot = z.object({ id: z.string(), files: z.number(), bytes: z.number() })

/** What is in the store outside of the cluster: the database, and what no repository has. */
const noteSchema = z.object({
  snapshots: z.array(snapshot.extend({ into: z.string() })),
  files: z.number(),
  bytes: z.number(),
  /** Slots of replicas, which a base backup leaves out. */
  slots: z.array(z.string()),
  data: z.object({ mountPath: z.string(), folder: z.string() }),
  objects: snapshot,
})
export type KeptNote = z.infer<typeof noteSchema>

/** Undefined when nothing was ever kept. */
export async function readNote({ note }: KeptStore): Promise<KeptNote | undefined> {
  const found = await readFile(note, 'utf8').catch(() => undefined)
  return found === undefined ? undefined : noteSchema.parse(JSON.parse(found))
}

/** Backs the database up while it is written to, and the objects of the namespaces to keep, into a store outside of the cluster. */
export async function keepOutside(keeping: Keeping): Promise<KeptNote> {
  const { cluster, fault, field, tools, store, deadline } = keeping
  const { namespace, container, socket } = fault.database
  const primary = await primaryOf(keeping)
  const name = primary.metadata.name
  const source = await readObject(
    field.connections[cluster],
    `/api/v1/namespaces/${namespace}/pods/${name}`,
    sourcePod,
    deadline,
  )
  const containerID = containerOf(primary, container)
  if (!source || containerID === undefined) throw new Error(`container ${container} of ${name} is not running`)
  const data = dataOf(source, container)
  await makeRepository(store.repository, deadline)
  const socketFolder = await tools.filesIn(containerID, socket)
  const slots = await slotsAt(socketFolder, deadline)
  const base = await takeBaseBackup(
    { socket: socketFolder, data: await tools.filesIn(containerID, data.mountPath), folder: data.folder },
    store.repository,
    deadline,
  )
  const objects = await backUpText(
    store.repository,
    { name: objectsName, text: JSON.stringify(await objectsOf(keeping)) },
    deadline,
  )
  const note = { ...base, slots, data: { mountPath: data.mountPath, folder: data.folder }, objects }
  await writeFile(store.note, JSON.stringify(note), { mode: 0o600 })
  return note
}

async function primaryOf({ cluster, fault, field, deadline }: Keeping): Promise<SeenPod> {
  const { namespace, labels, primary } = fault.database
  const pods = await readPods(field.connections[cluster], deadline, { namespace, labels: { ...labels, ...primary } })
  const found = pods.filter(isCurrent).find(isReady)
  if (!found) throw new Error(`no primary of the database in ${namespace} on ${cluster} is Ready`)
  return found
}

const containerOf = ({ status }: SeenPod, name: string) =>
  status.containerStatuses.find((one) => one.name === name)?.containerID

async function slotsAt(socket: string, deadline: Deadline): Promise<string[]> {
  return asOwner(socket, deadline, async (client) => {
    const { rows } = await client.query<{ slot_name: string }>(
      "select slot_name from pg_replication_slots where slot_type = 'physical'",
    )
    return rows.map(({ slot_name: slot }) => slot)
  })
}

const configMaps = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
      data: z.record(z.string(), z.string()).default({}),
    }),
  ),
})
const keptObjects = z.array(z.object({ namespace: z.string(), items: configMaps.shape.items }))

async function objectsOf({ cluster, fault, field, deadline }: Keeping): Promise<z.infer<typeof keptObjects>> {
  return Promise.all(
    fault.keeps.map(async (namespace) => {
      const path = `/api/v1/namespaces/${namespace}/configmaps`
      const found = await readObject(field.connections[cluster], path, configMaps, deadline)
      // Kubernetes makes this one itself, from the new cluster's authority.
      return { namespace, items: (found?.items ?? []).filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt') }
    }),
  )
}

/**
 * Puts what is kept into the rebuilt cluster: files into each instance that waits for them, then slots, then objects.
 * Returns the folder of the primary's socket.
 */
export async function putBack(keeping: Keeping, note: KeptNote): Promise<{ socket: string }> {
  const { fault, tools, store, deadline } = keeping
  const { container, socket } = fault.database
  const instances = await waitingInstances(keeping)
  for (const containerID of instances) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other: they read the same store
    const into = await tools.filesIn(containerID, note.data.mountPath)
    for (const { id, into: below } of note.snapshots) {
      // oxlint-disable-next-line no-await-in-loop -- the log after the files, the label after both
      await restoreInto(store.repository, { snapshot: id, folder: join(into, below) }, deadline)
    }
    // oxlint-disable-next-line no-await-in-loop
    const { uid, gid } = await stat(join(into, note.data.folder))
    // oxlint-disable-next-line no-await-in-loop
    await chown(join(into, note.data.folder, labelFile), uid, gid)
    // oxlint-disable-next-line no-await-in-loop
    await writeFile(join(into, dirname(note.data.folder), 'recovered'), '')
  }
  const folder = await patiently(deadline, async () => {
    const primary = await primaryOf(keeping)
    const containerID = containerOf(primary, container)
    if (containerID === undefined) throw new Error(`container ${container} of the primary is not running`)
    const found = await tools.filesIn(containerID, socket)
    await asOwner(found, deadline, (client) => remakeSlots(client, note.slots))
    return found
  })
  await putObjectsBack(keeping, note)
  return { socket: folder }
}

async function remakeSlots(client: Client, slots: readonly string[]): Promise<void> {
  for (const slot of slots) {
    // oxlint-disable-next-line no-await-in-loop -- a handful
    await client.query(
      'select pg_create_physical_replication_slot($1, true) where not exists (select from pg_replication_slots where slot_name = $1)',
      [slot],
    )
  }
}

/** The containers of all instances, once as many run as there are to be. */
async function waitingInstances({ cluster, fault, field, deadline }: Keeping): Promise<string[]> {
  const { namespace, labels, container } = fault.database
  const connection = field.connections[cluster]
  return patiently(deadline, async () => {
    const pods = (await readPods(connection, deadline, { namespace, labels })).filter(isCurrent)
    const running = pods.flatMap((pod) => {
      const status = pod.status.containerStatuses.find((one) => one.name === container)
      return status?.containerID === undefined ? [] : [status.containerID]
    })
    if (pods.length === 0 || running.length < pods.length)
      throw new Error(`${running.length} of ${pods.length} instances of the database run`)
    return running
  })
}

async function putObjectsBack({ cluster, field, store, deadline }: Keeping, note: KeptNote): Promise<void> {
  const connection = field.connections[cluster]
  const kept = keptObjects.parse(parseJSON(await dumped(store.repository, note.objects.id, objectsName, deadline)))
  for (const { namespace, items } of kept) {
    if (items.length === 0) continue
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    // oxlint-disable-next-line no-await-in-loop -- the namespace before what is in it
    await change(connection, { method: 'POST', path: '/api/v1/namespaces', body }, deadline, [409])
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(
      items.map((item) =>
        change(
          connection,
          {
            method: 'POST',
            path: `/api/v1/namespaces/${namespace}/configmaps`,
            body: { apiVersion: 'v1', kind: 'ConfigMap', ...item },
          },
          deadline,
          [409],
        ),
      ),
    )
  }
}
