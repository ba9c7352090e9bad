import { setTimeout as sleep } from 'node:timers/promises'
import { deadlineIn } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { monotonicNow } from './clocks/attempts.ts'
import type { Sighting } from './clocks/sightings.ts'
import type { SeenNode, SeenPod } from './cluster-reads.ts'
import { isCurrent, isReady, ownerOf, readNodes, readPods } from './cluster-reads.ts'
import type { Target } from './refusals.ts'
import type { Fault } from './scenario.ts'

const answerMs = 3_000
const quickMs = 250
const slowMs = 1_000

/** A pod that is going to be lost, and how its replacement was seen to come. */
export type Victim = { subject: string; owner: string; sightings: Sighting[]; replacedBy: string | undefined }

/** What the control plane was seen to do during a fault. */
export type Watch = {
  victims: Victim[]
  /** Whether the control plane had noticed. */
  detected: Sighting[]
  /** Looks that got no answer, as a share of all. */
  lost: () => { looks: number; unanswered: number }
  stop: () => Promise<void>
}

type Look = { pods: SeenPod[]; nodes: SeenNode[] }
type Watched = {
  victims: { victim: Victim; isReplaced: (look: Look) => string | undefined }[]
  isDetected: (look: Look) => boolean
  needsNodes: boolean
  namespace: string | undefined
}

/** Looks at pods and nodes again and again from before the fault on, until it is told to stop. */
export async function startWatch(connection: Connection, fault: Fault, targets: readonly Target[]): Promise<Watch> {
  const deadline = deadlineIn(30_000)
  const before: Look = { pods: await readPods(connection, deadline), nodes: await readNodes(connection, deadline) }
  const watched = watchedOf(fault, targets, before)
  const detected: Sighting[] = []
  const count = { looks: 0, unanswered: 0 }
  const leave = new AbortController()
  const watching = keepLooking(connection, watched, { detected, count, signal: leave.signal })
  return {
    victims: watched.victims.map(({ victim }) => victim),
    detected,
    lost: () => ({ ...count }),
    stop: async () => {
      leave.abort()
      await watching
    },
  }
}

type Notes = { detected: Sighting[]; count: { looks: number; unanswered: number }; signal: AbortSignal }

async function keepLooking(
  connection: Connection,
  watched: Watched,
  { detected, count, signal }: Notes,
): Promise<void> {
  while (!signal.aborted) {
    const sentAt = monotonicNow()
    count.looks += 1
    /* oxlint-disable no-await-in-loop -- one look after the other */
    try {
      const deadline = deadlineIn(answerMs, signal)
      const { namespace } = watched
      const [pods, nodes] = await Promise.all([
        readPods(connection, deadline, namespace === undefined ? {} : { namespace }),
        watched.needsNodes ? readNodes(connection, deadline) : [],
      ])
      const look = { pods, nodes }
      const endedAt = monotonicNow()
      detected.push({ sentAt, endedAt, holds: watched.isDetected(look) })
      for (const { victim, isReplaced } of watched.victims) {
        const by = isReplaced(look)
        victim.replacedBy = by ?? victim.replacedBy
        victim.sightings.push({ sentAt, endedAt, holds: by !== undefined })
      }
    } catch {
      // What nobody saw is not held against anybody; the ranges grow by themselves.
      if (!signal.aborted) count.unanswered += 1
    }
    await sleep(watched.needsNodes ? slowMs : quickMs, undefined, { signal }).catch(() => {})
    /* oxlint-enable no-await-in-loop */
  }
}

function watchedOf(fault: Fault, targets: readonly Target[], before: Look): Watched {
  if ('pods' in fault) return watchedPods(fault, targets, before)
  if ('nodes' in fault) return watchedNodes(fault, targets, before)
  if ('workload' in fault) return watchedWorkload(fault.workload, before)
  return { victims: [], isDetected: () => false, needsNodes: false, namespace: 'default' }
}

const ready = (pods: readonly SeenPod[]) => pods.filter(isCurrent).filter(isReady)
const nameOf = ({ metadata }: SeenPod) => `Pod ${metadata.namespace}/${metadata.name}`
const restartsOf = ({ status }: SeenPod) =>
  status.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0)

/** The pods of one controller, on other nodes than the lost ones. */
const siblings = (pods: readonly SeenPod[], owner: string | undefined, lostNodes: readonly string[] = []) =>
  ready(pods).filter((pod) => ownerOf(pod)?.uid === owner && !lostNodes.includes(pod.spec.nodeName ?? ''))

function watchedPods(fault: Extract<Fault, { pods: unknown }>, targets: readonly Target[], before: Look): Watched {
  const lost = before.pods.filter(({ metadata }) => targets.some(({ uid }) => uid === metadata.uid))
  const keepsPod = fault.action === 'signal' || fault.action === 'pod-failure'
  const victims = lost.map((pod) => ({
    victim: victimOf(pod),
    isReplaced: ({ pods }: Look) => (keepsPod ? restarted(pod, pods) : replacedElsewhere(pod, pods, before)),
  }))
  return {
    victims,
    isDetected: ({ pods }) =>
      lost.every((pod) => {
        const now = pods.find(({ metadata }) => metadata.uid === pod.metadata.uid)
        return now === undefined || !isCurrent(now) || !isReady(now) || restartsOf(now) > restartsOf(pod)
      }),
    needsNodes: false,
    namespace: fault.pods.namespace,
  }
}

const victimOf = (pod: SeenPod): Victim => ({
  subject: nameOf(pod),
  owner: ownerOf(pod)?.name ?? '',
  sightings: [],
  replacedBy: undefined,
})

function restarted(pod: SeenPod, pods: readonly SeenPod[]): string | undefined {
  const now = ready(pods).find(({ metadata }) => metadata.uid === pod.metadata.uid)
  return now && restartsOf(now) > restartsOf(pod)
    ? `itself, restarted ${restartsOf(now) - restartsOf(pod)} times`
    : undefined
}

/** A ready pod of the same owner that was not there before, and no fewer ready ones than before. */
function replacedElsewhere(
  pod: SeenPod,
  pods: readonly SeenPod[],
  before: Look,
  lostNodes: readonly string[] = [],
): string | undefined {
  const owner = ownerOf(pod)?.uid
  const known = new Set(before.pods.map(({ metadata }) => metadata.uid))
  const now = siblings(pods, owner, lostNodes).filter(({ metadata }) => metadata.uid !== pod.metadata.uid)
  const fresh = now.find(({ metadata }) => !known.has(metadata.uid))
  return fresh && now.length >= siblings(before.pods, owner).length ? nameOf(fresh) : undefined
}

function watchedNodes(fault: Extract<Fault, { nodes: unknown }>, targets: readonly Target[], before: Look): Watched {
  const names = targets.map(({ name }) => name)
  const evicts = fault.driver === 'node-power' || (fault.action === 'taint' && fault.effect === 'NoExecute')
  const movable = ready(before.pods).filter((pod) => {
    const kind = ownerOf(pod)?.kind
    return names.includes(pod.spec.nodeName ?? '') && (kind === 'ReplicaSet' || kind === 'StatefulSet')
  })
  const victims = (evicts ? movable : []).map((pod) => ({
    victim: victimOf(pod),
    isReplaced: ({ pods }: Look) => replacedElsewhere(pod, pods, before, names),
  }))
  return {
    victims,
    isDetected: ({ nodes }) =>
      names.every((name) => {
        const node = nodes.find(({ metadata }) => metadata.name === name)
        if (fault.driver === 'node-power') return node === undefined || !isReady(node)
        return node !== undefined && (node.spec.unschedulable || node.spec.taints.length > 0)
      }),
    needsNodes: true,
    namespace: undefined,
  }
}

function watchedWorkload({ namespace, name }: { namespace: string; name: string }, before: Look): Watched {
  const own = (pods: readonly SeenPod[]) =>
    ready(pods).filter(({ metadata }) => metadata.namespace === namespace && metadata.name.startsWith(`${name}-`))
  const usual = own(before.pods).length
  return { victims: [], isDetected: ({ pods }) => own(pods).length !== usual, needsNodes: false, namespace }
}
