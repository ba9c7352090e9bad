import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { runIn } from '../../cluster/channels.ts'
import type { Connection } from '../../cluster/connection.ts'
import type { ClusterName } from '../../platform/platform.ts'
import type { SeenPod } from '../cluster-reads.ts'
import { change, isCurrent, isReady, mergePatch, ownerOf, readNodes, readObject, readPods } from '../cluster-reads.ts'
import type { Target } from '../refusals.ts'
import type { Fault, Scenario } from '../scenario.ts'
import type { Undo } from '../undo.ts'
import type { Driver, Making } from './driver.ts'

export type KubernetesFault = Extract<Fault, { driver: 'kubernetes' }>
type PodFault = Extract<KubernetesFault, { pods: unknown }>
type Signal = Extract<KubernetesFault, { action: 'signal' }>
type ScaleFault = Extract<KubernetesFault, { action: 'scale' }>

/** The taint that chaos puts on nodes: its key is how the sweep finds it. */
export const taintKey = 'conformance/chaos'

const clusterOf = ({ cluster }: Pick<Scenario, 'cluster'>): ClusterName => {
  if (cluster === 'across') throw new Error('a fault of the Kubernetes API happens on one cluster')
  return cluster
}

/** Faults that the API server itself can make: deletions, evictions, taints, replica counts, and signals by exec. */
export const kubernetesDriver: Driver<KubernetesFault> = {
  find: async ({ fault, scenario, field, deadline }) => {
    const cluster = clusterOf(scenario)
    const connection = field.connections[cluster]
    if ('pods' in fault) return findPods(connection, cluster, fault.pods, deadline)
    if ('nodes' in fault) return findNodes(connection, cluster, fault.nodes, deadline)
    return findWorkload(connection, cluster, fault, deadline)
  },
  undo: async ({ fault, scenario, field, targets, deadline }) => {
    const cluster = clusterOf(scenario)
    if (fault.action === 'scale') return [await undoOfScale(field.connections[cluster], cluster, fault, deadline)]
    return targets.map((target) => undoOf(fault, cluster, target))
  },
  make: async (making) => {
    const connection = making.field.connections[clusterOf(making.scenario)]
    if (making.fault.action === 'scale') return scale(connection, making.fault, making.deadline)
    await Promise.all(making.targets.map((target) => makeAt(target, connection, making)))
  },
}

export async function findPods(
  connection: Connection,
  cluster: ClusterName,
  { namespace, labels, take }: PodFault['pods'],
  deadline: Deadline,
): Promise<Target[]> {
  const pods = (await readPods(connection, deadline, { namespace, labels })).filter(isCurrent).filter(isReady)
  // The first by name, so that a plan and the run after it mean the same ones.
  return pods
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .slice(0, take)
    .map((pod) => targetOf(pod, cluster))
}

function targetOf(pod: SeenPod, cluster: ClusterName): Target {
  const owner = ownerOf(pod)
  return {
    kind: 'Pod',
    cluster,
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    hostNetwork: pod.spec.hostNetwork,
    ...(owner === undefined ? {} : { owner: `${owner.kind} ${owner.name}` }),
  }
}

export async function findNodes(
  connection: Connection,
  cluster: ClusterName,
  names: readonly string[],
  deadline: Deadline,
): Promise<Target[]> {
  const nodes = await readNodes(connection, deadline)
  return nodes
    .filter(({ metadata }) => names.includes(metadata.name))
    .map(({ metadata }) => ({
      kind: 'Node' as const,
      cluster,
      name: metadata.name,
      uid: metadata.uid,
      isControlPlane: 'node-role.kubernetes.io/control-plane' in metadata.labels,
    }))
}

const workloadSchema = z.object({
  metadata: z.object({ uid: z.string() }),
  spec: z.object({ replicas: z.number().default(1) }),
})

const pathOfWorkload = ({ kind, namespace, name }: ScaleFault['workload']) =>
  `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`

async function findWorkload(
  connection: Connection,
  cluster: ClusterName,
  { workload }: ScaleFault,
  deadline: Deadline,
): Promise<Target[]> {
  const found = await readObject(connection, pathOfWorkload(workload), workloadSchema, deadline)
  if (!found) return []
  const { kind, namespace, name } = workload
  return [{ kind, cluster, namespace, name, uid: found.metadata.uid }]
}

async function undoOfScale(
  connection: Connection,
  cluster: ClusterName,
  { workload, replicas }: ScaleFault,
  deadline: Deadline,
): Promise<Undo | undefined> {
  const found = await readObject(connection, pathOfWorkload(workload), workloadSchema, deadline)
  return found === undefined || found.spec.replicas === replicas
    ? undefined
    : { do: 'scale', cluster, ...workload, replicas: found.spec.replicas }
}

function undoOf(fault: Exclude<KubernetesFault, ScaleFault>, cluster: ClusterName, target: Target): Undo | undefined {
  switch (fault.action) {
    case 'delete':
    case 'evict':
    case 'signal':
      return target.owner === undefined ? undefined : { do: 'wait for owner', owner: target.owner }
    case 'cordon':
      return { do: 'uncordon', cluster, node: target.name }
    case 'taint':
      return { do: 'untaint', cluster, node: target.name, key: taintKey }
  }
}

async function makeAt(target: Target, connection: Connection, making: Making<KubernetesFault>): Promise<void> {
  const { fault, deadline, id } = making
  switch (fault.action) {
    case 'delete':
      return removePod(target, connection, fault.gracePeriodSeconds, deadline)
    case 'evict':
      return evictPod(target, connection, fault.gracePeriodSeconds, deadline)
    case 'signal':
      return sendSignal(target, connection, fault, deadline)
    case 'cordon':
      await change(
        connection,
        {
          method: 'PATCH',
          path: `/api/v1/nodes/${target.name}`,
          type: mergePatch,
          body: { spec: { unschedulable: true } },
        },
        deadline,
      )
      return
    case 'taint':
      return taint(target, connection, { key: taintKey, value: id, effect: fault.effect }, deadline)
    case 'scale':
      throw new Error('a workload is scaled as one')
  }
}

const podPath = ({ namespace = '', name }: Target) => `/api/v1/namespaces/${namespace}/pods/${name}`

/** Only the pod that was shown: one of the same name that came after it is left alone. */
async function removePod(
  target: Target,
  connection: Connection,
  gracePeriodSeconds: number,
  deadline: Deadline,
): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, preconditions: { uid: target.uid } }
  await change(connection, { method: 'DELETE', path: podPath(target), body }, deadline)
}

async function evictPod(
  target: Target,
  connection: Connection,
  gracePeriodSeconds: number,
  deadline: Deadline,
): Promise<void> {
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: target.name, namespace: target.namespace },
    deleteOptions: { gracePeriodSeconds, preconditions: { uid: target.uid } },
  }
  await change(connection, { method: 'POST', path: `${podPath(target)}/eviction`, body }, deadline)
}

async function sendSignal(target: Target, connection: Connection, fault: Signal, deadline: Deadline): Promise<void> {
  const where = { namespace: target.namespace ?? '', pod: target.name, container: fault.container }
  const { ending, errors } = await runIn(connection, where, ['/bin/sh', '-c', `kill -${fault.signal} 1`], deadline)
  // The process can be gone before the API server hears how the command ended: the restart count tells.
  if (ending.state === 'exited' && ending.code !== 0)
    throw new Error(
      `kill -${fault.signal} 1 in ${where.namespace}/${where.pod} ended with ${ending.code}: ${errors.trim()}`,
    )
}

async function taint(
  target: Target,
  connection: Connection,
  added: { key: string; value: string; effect: string },
  deadline: Deadline,
): Promise<void> {
  const node = (await readNodes(connection, deadline)).find(({ metadata }) => metadata.uid === target.uid)
  if (!node) throw new Error(`node ${target.name} is not the one that was shown any more`)
  const taints = [...node.spec.taints.filter(({ key }) => key !== added.key), added]
  const path = `/api/v1/nodes/${target.name}`
  await change(connection, { method: 'PATCH', path, type: mergePatch, body: { spec: { taints } } }, deadline)
}

/** Sets the number of replicas; the undo of a scaling is one too. */
export async function scaleTo(
  connection: Connection,
  workload: ScaleFault['workload'],
  replicas: number,
  deadline: Deadline,
): Promise<void> {
  const path = pathOfWorkload(workload)
  await change(connection, { method: 'PATCH', path, type: mergePatch, body: { spec: { replicas } } }, deadline)
}

const scale = (connection: Connection, { workload, replicas }: ScaleFault, deadline: Deadline) =>
  scaleTo(connection, workload, replicas, deadline)
