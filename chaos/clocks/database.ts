import type { Attempt, Range } from './attempts.ts'

/** A write that was sent to a database. `acknowledged`: the server said that it is committed. */
export type Write = Attempt & { sequence: number }

/** A row as it is found afterwards. `at` is the server's clock, milliseconds since 1970. */
export type Row = {
  sequence: number
  at: number
  /** WAL timeline: it changes when another instance takes over. */
  timeline: number
  /** When the server that wrote it had started: it changes with every restart in place. */
  serverStartedAt: number
  isIntact: boolean
}

/** What became of a database under writes. */
export type DatabaseSeen = {
  acknowledged: number
  /** Sequences that were acknowledged and are not there. */
  lost: number[]
  corrupted: number[]
  /** The last row of the one server or timeline and the first of the next, by the server's clock; undefined when there was one only. */
  gap: { lastBefore: number; firstAfter: number; ms: number; timelines: [number, number] } | undefined
  /** Time from the newest surviving write without a gap before it to the failure; undefined when nothing was lost. */
  lostMs: Range | undefined
}

/** Compares what was acknowledged with what survived. `failedAt` is when the database was struck, on the writer's clock. */
export function databaseSeen(writes: readonly Write[], rows: readonly Row[], failedAt: number): DatabaseSeen {
  const acknowledged = writes.filter(({ ok }) => ok)
  const there = new Map(rows.map((row) => [row.sequence, row]))
  const lost = acknowledged.filter(({ sequence }) => !there.has(sequence)).map(({ sequence }) => sequence)
  return {
    acknowledged: acknowledged.length,
    lost,
    corrupted: rows.filter(({ isIntact }) => !isIntact).map(({ sequence }) => sequence),
    gap: gapIn(rows),
    lostMs: lostBefore(acknowledged, lost, failedAt),
  }
}

function gapIn(rows: readonly Row[]): DatabaseSeen['gap'] {
  const inOrder = rows.toSorted((a, b) => a.at - b.at)
  const gaps = inOrder.flatMap((row, index) => {
    const next = inOrder[index + 1]
    if (!next || (next.timeline === row.timeline && next.serverStartedAt === row.serverStartedAt)) return []
    const timelines: [number, number] = [row.timeline, next.timeline]
    return [{ lastBefore: row.at, firstAfter: next.at, ms: next.at - row.at, timelines }]
  })
  return gaps.toSorted((a, b) => b.ms - a.ms)[0]
}

/** The newest write that survived with all before it was committed between its sending and its end. */
function lostBefore(acknowledged: readonly Write[], lost: readonly number[], failedAt: number): Range | undefined {
  if (lost.length === 0) return undefined
  const first = Math.min(...lost)
  const safe = acknowledged.filter(({ sequence }) => sequence < first)
  const newest = safe.toSorted((a, b) => a.sequence - b.sequence).at(-1)
  if (!newest) return { lower: 0, upper: Infinity }
  return { lower: Math.max(0, failedAt - newest.endedAt), upper: Math.max(0, failedAt - newest.sentAt) }
}
