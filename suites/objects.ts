import type { ClusterName } from '../platform/platform.ts'
import type { Naming } from '../check/check.ts'
import { nameOfObject } from '../check/check.ts'
import type { Container, DaemonSet, Deployment, Node, Pod, StatefulSet } from '../cluster/kinds/core.ts'
import type { Condition, KubernetesObject } from '../cluster/kinds/object.ts'

/** Something that the document expects under a name, with what was found there. */
export type Expected<T> = { kind: string; namespace?: string; name: string; found: T | undefined }

/** One subject per expected name, so that a missing object is a deviation and not an empty population. */
export function expectedObjects<T extends KubernetesObject>(
  kind: string,
  namespace: string | undefined,
  names: readonly string[],
  all: readonly T[],
): Expected<T>[] {
  return names.map((name) => ({
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    found: all.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
  }))
}

export const nameOfExpected = ({ kind, namespace, name }: Expected<unknown>): Naming =>
  nameOfObject({ kind, metadata: { name, namespace } })

/**
 * The subjects, or none when one of these lists is empty: a platform has something of each, so an empty list means that
 * something was not seen, and the rest would hide it.
 */
export const unlessOneIsEmpty = <S>(lists: readonly (readonly unknown[])[], subjects: readonly S[]): readonly S[] =>
  lists.some((list) => list.length === 0) ? [] : subjects

export const missing = 'does not exist'

/** A subject that knows its cluster, for checks that look at both. */
export type Located<T> = { cluster: ClusterName; object: T }
export const located = <T>(cluster: ClusterName, objects: readonly T[]): Located<T>[] =>
  objects.map((object) => ({ cluster, object }))
export const nameOfLocated = ({ cluster, object }: Located<unknown>): Naming & { cluster: ClusterName } => ({
  ...nameOfObject(object),
  cluster,
})

export const conditionOf = (conditions: readonly Condition[], type: string) => conditions.find((c) => c.type === type)

/** `true`, or how the condition differs from the wanted status; stale when it speaks of an older generation. */
export function conditionIs(
  {
    metadata,
    status,
  }: {
    metadata: { generation?: number | undefined }
    status: { conditions: Condition[]; observedGeneration?: number | undefined }
  },
  type: string,
  wanted: 'True' | 'False' = 'True',
): true | string {
  const condition = conditionOf(status.conditions, type)
  if (!condition) return `has no condition ${type}`
  if (condition.status !== wanted)
    return `${type} is ${condition.status}${condition.reason ? ` (${condition.reason})` : ''}`
  const observed = condition.observedGeneration ?? status.observedGeneration
  const generation = metadata.generation
  if (observed !== undefined && generation !== undefined && observed < generation) {
    return `${type} speaks of generation ${observed}, the object is at ${generation}`
  }
  return true
}

/** `true`, or why a workload is not fully rolled out and available. Zero replicas are not healthy. */
export function workloadHealth(workload: Deployment | StatefulSet): true | string {
  const { metadata, spec, status } = workload
  if (isStale(workload))
    return `status is of generation ${status.observedGeneration}, the object is at ${metadata.generation}`
  if (spec.replicas < 1) return 'is scaled to 0'
  if (status.updatedReplicas < spec.replicas)
    return `${status.updatedReplicas} of ${spec.replicas} replicas are of the current template`
  if (status.availableReplicas < spec.replicas)
    return `${status.availableReplicas} of ${spec.replicas} replicas are available`
  return true
}

const isStale = ({
  metadata,
  status,
}: {
  metadata: { generation?: number | undefined }
  status: { observedGeneration?: number | undefined }
}) => metadata.generation !== undefined && (status.observedGeneration ?? 0) < metadata.generation

/** `true`, or why a DaemonSet does not run on every node. "0 of 0 ready" looks healthy and is not. */
export function daemonSetHealth(daemonSet: DaemonSet, nodes: readonly Node[]): true | string {
  const { desiredNumberScheduled, updatedNumberScheduled, numberReady } = daemonSet.status
  if (isStale(daemonSet)) return 'its status is of an older generation'
  if (desiredNumberScheduled !== nodes.length)
    return `is scheduled on ${desiredNumberScheduled} of ${nodes.length} nodes`
  if (updatedNumberScheduled < nodes.length)
    return `${updatedNumberScheduled} of ${nodes.length} pods are of the current template`
  if (numberReady < nodes.length) return `is ready on ${numberReady} of ${nodes.length} nodes`
  return true
}

export const isReady = ({ status }: Node | Pod): boolean => conditionOf(status.conditions, 'Ready')?.status === 'True'

/** Pods that take part in the platform's traffic: running, not finished, not on their way out. */
export const isRunning = ({ metadata, status }: Pod): boolean =>
  status.phase === 'Running' && metadata.deletionTimestamp === undefined

/** Pods with an address of their own. */
export const hasOwnAddress = (pod: Pod): boolean => !pod.spec.hostNetwork && isRunning(pod)

export const internalAddress = ({ status }: Node): string | undefined =>
  status.addresses.find(({ type }) => type === 'InternalIP')?.address

/** The containers that keep running: plain init containers have ended. */
export const runningContainers = ({
  spec,
}: {
  spec: { initContainers: Container[]; containers: Container[] }
}): Container[] => [
  ...spec.initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ...spec.containers,
]

/** All containers of a pod, native sidecars and other init containers first. */
export const allContainers = ({
  spec,
}: {
  spec: { initContainers: Container[]; containers: Container[] }
}): Container[] => [...spec.initContainers, ...spec.containers]
