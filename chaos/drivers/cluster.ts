import { z } from 'zod'
import { deadlineIn } from '../../check/deadline.ts'
import type { Deadline } from '../../check/deadline.ts'
import type { ClusterName } from '../../platform/platform.ts'
import type { Range } from '../clocks/attempts.ts'
import { monotonicNow } from '../clocks/attempts.ts'
import { uidOf, unwellOn } from '../cluster-health.ts'
import { isCurrent, isReady, readNodes, readObject, readPods } from '../cluster-reads.ts'
import type { Field, RebuildHands } from '../field.ts'
import { postingOf } from '../prober/orders.ts'
import { askProgram } from '../prober/probers.ts'
import { keepOutside, putBack, readNote } from '../rebuild/kept.ts'
import type { Hands, Look, PhaseId, PhaseRecord } from '../rebuild/phases.ts'
import { phaseText, walkPhases } from '../rebuild/phases.ts'
import type { Restored } from '../restore/restored.ts'
import { canaryRow } from '../restore/restored.ts'
import type { Fault } from '../scenario.ts'
import type { Driver, Made, Making } from './driver.ts'
import { findNodes } from './kubernetes.ts'

type ClusterFault = Extract<Fault, { driver: 'cluster' }>
type Rebuilding = Making<ClusterFault> & { cluster: ClusterName }

const lookMs = 10_000
/** On machines that the suite switches itself nothing takes longer, and nobody has to be waited for. */
const longestByHandsMs = 1_200_000

/**
 * Loses a whole cluster and goes the way back, phase by phase. What the suite can do itself it does; for the rest it
 * says what a person has to do, and looks until that is done.
 */
export const clusterDriver: Driver<ClusterFault> = {
  makeMs: ({ longestSeconds }) => longestSeconds * 1_000,
  find: async ({ scenario, field, deadline }) => {
    if (scenario.cluster === 'across') throw new Error('one cluster is lost at a time')
    const connection = field.connections[scenario.cluster]
    const names = (await readNodes(connection, deadline)).map(({ metadata }) => metadata.name)
    return findNodes(connection, scenario.cluster, names, deadline)
  },
  undo: async ({ scenario: { cluster }, fault, targets }) =>
    targets.map(() => (cluster === 'across' ? undefined : { do: 'rebuild cluster', cluster, fault })),
  make: async (making) => {
    const { scenario, field, deadline } = making
    if (scenario.cluster === 'across') throw new Error('one cluster is lost at a time')
    const rebuilding = { ...making, cluster: scenario.cluster }
    const hands = await field.rebuild?.(scenario.cluster, deadline)
    try {
      return await rebuild(rebuilding, hands)
    } finally {
      await hands?.close()
    }
  },
}

/** What the walk learns on its way. */
type Notes = {
  backup?: Range & { files: number; bytes: number; originals: z.infer<typeof canaryRow>[] }
  lost?: Range
  rows?: z.infer<typeof canaryRow>[]
  served?: Range
}

async function rebuild(rebuilding: Rebuilding, hands: RebuildHands | undefined): Promise<Made> {
  const { cluster, fault, field, tell } = rebuilding
  const connection = field.connections[cluster]
  const deadline = hands
    ? deadlineIn(Math.min(longestByHandsMs, rebuilding.deadline.remainingMs()), rebuilding.deadline.signal)
    : rebuilding.deadline
  const before = {
    uid: (await uidOf(connection, deadline)) ?? 'unknown',
    nodes: rebuilding.targets.length,
    workloads: await workloadsOn(rebuilding, deadline),
  }
  const canary = await canaryReader(rebuilding, deadline)
  const notes: Notes = {}
  const phases = await walkPhases({
    phases: fault.phases,
    hands: hands ? handsOf(rebuilding, hands, canary, notes) : {},
    looks: looksOf(rebuilding, before, notes),
    tell,
    deadline,
  })
  const uid = (await uidOf(connection, deadlineIn(lookMs))) ?? 'unknown'
  const loss = notes.lost ?? rangeOf(phases.find(({ id }) => id === 'loss'))
  // Before the loss nothing was broken, so that it simply was not carried out.
  if (!loss) throw new Error(phases.map(phaseText).at(-1) ?? 'no phase was begun')
  return {
    injected: loss,
    rebuilt: { uidBefore: before.uid, uid, phases },
    ...restoredOf(notes, loss),
  }
}

/** From its beginning on, however it ended: nobody knows what of it was done by then. */
const rangeOf = (record: PhaseRecord | undefined): Range | undefined =>
  record && { lower: record.began, upper: record.ended?.upper ?? monotonicNow() }

function restoredOf({ backup, rows, served }: Notes, loss: Range): { restored?: Restored } {
  if (!backup || !rows || !served) return {}
  const { lower, upper, files, bytes, originals } = backup
  // What was written after the originals were read was in no backup.
  const last = Math.max(0, ...originals.map(({ sequence }) => sequence))
  return {
    restored: {
      backupBegan: { lower, upper: lower },
      backupEnded: { lower: upper, upper },
      restoreBegan: loss,
      served,
      tool: 'restic, in a folder outside of the cluster',
      files,
      bytes,
      rows: rows.filter(({ sequence }) => sequence <= last),
      originals,
    },
  }
}

type Canary = (socket?: string) => Promise<z.infer<typeof canaryRow>[]>

/** Reads the rows of the prober: over the way of its journey, or at the socket of the server. */
async function canaryReader({ scenario, id, field }: Rebuilding, deadline: Deadline): Promise<Canary> {
  const journey = scenario.journeys.find(({ by }) => by === 'postgres')
  if (!journey) throw new Error('without writes nothing shows what comes back')
  const { order, place } = await postingOf(journey, id, field, [], deadline)
  if (order.do !== 'insert') throw new Error(`${journey.id} writes no rows`)
  const { database } = order
  return async (socket) =>
    z
      .array(canaryRow)
      .parse(
        await (socket === undefined
          ? askProgram({ do: 'rows', database }, place)
          : askProgram({ do: 'rows', database: { ...database, host: socket } })),
      )
}

function handsOf(rebuilding: Rebuilding, hands: RebuildHands, canary: Canary, notes: Notes): Hands {
  const { cluster, fault, field } = rebuilding
  const tools = field.restore
  if (!tools) throw new Error('nobody here reaches the files of a database')
  const keeping = (deadline: Deadline) => ({ cluster, fault, field, tools, store: hands.store, deadline })
  return {
    backup: async (deadline) => {
      await hands.store.empty()
      const lower = monotonicNow()
      const { files, bytes } = await keepOutside(keeping(deadline))
      notes.backup = { lower, upper: monotonicNow(), files, bytes, originals: await canary() }
    },
    loss: async (deadline) => {
      const lower = monotonicNow()
      await hands.lose(deadline)
      notes.lost = { lower, upper: monotonicNow() }
    },
    machines: hands.machines,
    platform: (deadline) => hands.platform('recovery', deadline),
    data: async (deadline) => {
      const note = await readNote(hands.store)
      if (!note) throw new Error('nothing was kept outside of the cluster')
      const lower = monotonicNow()
      const { socket } = await putBack(keeping(deadline), note)
      notes.rows = await canary(socket)
      notes.served = { lower, upper: monotonicNow() }
    },
    link: async (deadline) => {
      await hands.link(deadline)
      await hands.finish(deadline)
    },
  }
}

type Before = { uid: string; nodes: number; workloads: readonly string[] }

/** How each phase shows that it is done, whoever did it. */
function looksOf(rebuilding: Rebuilding, before: Before, notes: Notes): Record<PhaseId, Look> {
  const { cluster, field, fault } = rebuilding
  const connection = field.connections[cluster]
  const started = new Date()
  return {
    backup: async (deadline) =>
      notes.backup
        ? { done: true, seen: `${notes.backup.files} files, ${notes.backup.originals.length} rows of the canary` }
        : backupSeen(rebuilding, started, deadline),
    loss: async (deadline) => {
      try {
        const ready = (await readNodes(connection, shortly(deadline))).filter(isReady).length
        return { done: ready === 0, seen: `${ready} of ${before.nodes} nodes are Ready` }
      } catch {
        return { done: true, seen: `no API server of ${cluster} answers` }
      }
    },
    machines: async (deadline) => {
      const uid = await uidOf(connection, shortly(deadline))
      const ready = (await readNodes(connection, shortly(deadline))).filter(isReady).length
      const isNew = uid !== undefined && uid !== before.uid
      return {
        done: isNew && ready === before.nodes,
        seen: `${isNew ? 'a new cluster' : 'still the old cluster'} with ${ready} of ${before.nodes} nodes Ready`,
      }
    },
    platform: async (deadline) => {
      const now = new Set(await workloadsOn(rebuilding, shortly(deadline)))
      const missing = before.workloads.filter((name) => !now.has(name))
      return {
        done: missing.length === 0,
        seen: `${before.workloads.length - missing.length} of ${before.workloads.length} workloads are there${missing.length > 0 ? `, ${missing[0]} is not` : ''}`,
      }
    },
    data: async (deadline) => {
      const { namespace, labels, primary } = fault.database
      const pods = await readPods(connection, shortly(deadline), { namespace, labels: { ...labels, ...primary } })
      const isThere = pods.filter(isCurrent).some(isReady)
      const rows = notes.rows === undefined ? '' : ` with ${notes.rows.length} rows of the canary`
      return { done: isThere, seen: isThere ? `the primary is Ready${rows}` : 'no primary is Ready' }
    },
    link: async (deadline) => {
      const unwell = [
        ...(await unwellOn(field.connections.infra, shortly(deadline))),
        ...(await unwellOn(field.connections.apps, shortly(deadline))),
      ]
      return { done: unwell.length === 0, seen: unwell[0] ?? 'all nodes and pods of both clusters are Ready' }
    },
  }
}

const shortly = (deadline: Deadline) => deadlineIn(lookMs, deadline.signal)

const named = z.object({
  items: z.array(z.object({ metadata: z.object({ namespace: z.string(), name: z.string() }) })),
})

/** Names of all workloads of the cluster: what the manifests have to bring again. */
async function workloadsOn(
  { cluster, field }: Pick<Rebuilding, 'cluster' | 'field'>,
  deadline: Deadline,
): Promise<string[]> {
  const lists = await Promise.all(
    ['deployments', 'statefulsets', 'daemonsets'].map(async (plural) => {
      const found = await readObject(field.connections[cluster], `/apis/apps/v1/${plural}`, named, deadline)
      return (found?.items ?? []).map(({ metadata }) => `${plural} ${metadata.namespace}/${metadata.name}`)
    }),
  )
  return lists.flat()
}

const backups = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ phase: z.string().optional(), stoppedAt: z.string().optional() }).default({}),
    }),
  ),
})

/** On live clusters: a base backup of CloudNativePG that was completed after the drill began. */
async function backupSeen({ cluster, field, fault }: Rebuilding, started: Date, deadline: Deadline) {
  const path = `/apis/postgresql.cnpg.io/v1/namespaces/${fault.database.namespace}/backups`
  const found = await readObject(field.connections[cluster], path, backups, shortly(deadline))
  const fresh = (found?.items ?? []).find(
    ({ status }) => status.phase === 'completed' && Date.parse(status.stoppedAt ?? '') >= started.getTime(),
  )
  return {
    done: fresh !== undefined,
    seen: fresh
      ? `Backup ${fresh.metadata.name} was completed at ${fresh.status.stoppedAt}`
      : `none of ${found?.items.length ?? 0} Backups was completed since ${started.toISOString()}`,
  }
}

/** Rebuilds a cluster that is lost, with what was kept of it; one that is there is left alone. */
export async function rebuildLost(
  { cluster, fault }: { cluster: ClusterName; fault: ClusterFault },
  field: Field,
  deadline: Deadline,
): Promise<void> {
  const hands = await field.rebuild?.(cluster, deadline)
  if (!hands) {
    // Where people do it, looking is all that is left.
    const [unwell] = await unwellOn(field.connections[cluster], deadline)
    if (unwell !== undefined) throw new Error(`${cluster} has to be rebuilt by a person: ${unwell}`)
    return
  }
  try {
    if (!(await hands.isLost())) return
    const tools = field.restore
    const note = await readNote(hands.store)
    await hands.lose(deadline)
    await hands.machines(deadline)
    await hands.platform(note ? 'recovery' : 'initdb', deadline)
    if (note && tools) await putBack({ cluster, fault, field, tools, store: hands.store, deadline }, note)
    await hands.link(deadline)
    await hands.finish(deadline)
  } finally {
    await hands.close()
  }
}
