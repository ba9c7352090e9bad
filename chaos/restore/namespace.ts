import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { parseJSON } from '../../cluster/json.ts'
import type { ClusterName } from '../../platform/platform.ts'
import { monotonicNow } from '../clocks/attempts.ts'
import { change, readObject } from '../cluster-reads.ts'
import type { Field } from '../field.ts'
import { workloadNamespace } from '../names.ts'
import { meshedPod } from '../prober/orders.ts'
import { askProgram } from '../prober/probers.ts'
import type { Fault } from '../scenario.ts'
import { deleteNamespace } from '../take-back.ts'
import type { Restoring } from './database.ts'
import { backUpText, dumped, makeRepository } from './restic.ts'
import type { Restored } from './restored.ts'
import { canaryRow } from './restored.ts'
import { storeRepository } from './store-repository.ts'
import { differingFrom, portable } from './portable.ts'

type NamespaceRestore = Restoring<Extract<Fault, { action: 'namespace' }>>

const fileName = 'namespace.json'
const pauseMs = 300

/** In the order in which they are made again: what others need comes first. */
const kinds = [
  { kind: 'ConfigMap', group: '/api/v1', plural: 'configmaps' },
  { kind: 'Service', group: '/api/v1', plural: 'services' },
  { kind: 'Deployment', group: '/apis/apps/v1', plural: 'deployments' },
] as const

const anyObject = z.looseObject({ metadata: z.looseObject({ name: z.string() }) })
const kept = z.array(z.object({ kind: z.string(), items: z.array(anyObject) }))
type Kept = z.infer<typeof kept>

/**
 * Backs the objects of a namespace up while some are added, deletes the namespace, and makes it again from the backup,
 * as Velero does with a namespace. The namespace is the suite's own.
 */
export async function restoreNamespace(restoring: NamespaceRestore): Promise<Restored> {
  const { cluster, field, fault, tools, deadline } = restoring
  const connection = field.connections[cluster]
  const meshed = await meshedPod(connection, { id: fault.own, from: cluster }, [], deadline)
  const repository = await storeRepository(restoring, meshed)
  await makeRepository(repository, deadline)
  const backupBegan = monotonicNow()
  const objects = await objectsOf(restoring)
  const backup = await backUpText(repository, { name: fileName, text: JSON.stringify(objects) }, deadline)
  const backupEnded = monotonicNow()
  const originals = await canaries(cluster, field)
  const lower = monotonicNow()
  await deleteNamespace(cluster, workloadNamespace, field, deadline)
  const restoreBegan = { lower, upper: monotonicNow() }
  await makeAgain(kept.parse(parseJSON(await dumped(repository, backup.id, fileName, deadline))), restoring)
  await standing(restoring)
  const served = monotonicNow()
  const last = Math.max(0, ...originals.map(({ sequence }) => sequence))
  return {
    backupBegan: { lower: backupBegan, upper: backupBegan },
    backupEnded: { lower: backupEnded, upper: backupEnded },
    restoreBegan,
    served: { lower: served, upper: served },
    tool: `restic ${tools.version}`,
    files: objects.reduce((sum, { items }) => sum + items.length, 0),
    bytes: backup.bytes,
    counted: 'objects',
    // Those that were added after it came back are no part of it.
    rows: (await canaries(cluster, field)).filter(({ sequence }) => sequence <= last),
    originals,
    absent: differingFrom(objects, await objectsOf(restoring)),
  }
}

async function objectsOf({ cluster, field, deadline }: NamespaceRestore): Promise<Kept> {
  return Promise.all(
    kinds.map(async ({ kind, group, plural }) => {
      const path = `${group}/namespaces/${workloadNamespace}/${plural}`
      const found = await readObject(
        field.connections[cluster],
        path,
        z.object({ items: z.array(anyObject) }),
        deadline,
      )
      // Kubernetes makes this one by itself in every namespace.
      const items = (found?.items ?? []).filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
      return { kind, items: items.map(portable) }
    }),
  )
}

async function makeAgain(objects: Kept, { cluster, field, deadline, id }: NamespaceRestore): Promise<void> {
  const connection = field.connections[cluster]
  const labels = objects.flatMap(({ items }) => items)[0]?.metadata['labels'] ?? {}
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: workloadNamespace, labels } }
  if (objects.every(({ items }) => items.length === 0)) throw new Error(`the backup of ${id} is empty`)
  await change(connection, { method: 'POST', path: '/api/v1/namespaces', body: namespace }, deadline)
  for (const { kind, group, plural } of kinds) {
    const path = `${group}/namespaces/${workloadNamespace}/${plural}`
    const version = group.replace('/apis/', '').replace('/api/', '')
    // oxlint-disable-next-line no-await-in-loop -- in their order
    await Promise.all(
      (objects.find((one) => one.kind === kind)?.items ?? []).map((item) =>
        change(connection, { method: 'POST', path, body: { apiVersion: version, kind, ...item } }, deadline, [409]),
      ),
    )
  }
}

const available = z.object({
  items: z.array(
    z.object({
      spec: z.object({ replicas: z.number().default(1) }),
      status: z.object({ availableReplicas: z.number().default(0) }).default({ availableReplicas: 0 }),
    }),
  ),
})

/** Objects alone serve nobody: their pods have to be available again. */
async function standing({ cluster, field, deadline }: NamespaceRestore): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${workloadNamespace}/deployments`
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until they stand
    const found = await readObject(field.connections[cluster], path, available, deadline)
    const items = found?.items ?? []
    if (items.length > 0 && items.every(({ spec, status }) => status.availableReplicas >= spec.replicas)) return
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}

const canaries = async (cluster: ClusterName, { kubeconfig, contexts }: Field) =>
  z
    .array(canaryRow)
    .parse(
      await askProgram({ do: 'object rows', kubeconfig, context: contexts[cluster], namespace: workloadNamespace }),
    )
