import { z } from 'zod'
import type { Range } from '../clocks/attempts.ts'
import type { Verdict } from '../clocks/verdict.ts'
import { rangeText, seconds } from '../clocks/verdict.ts'

/** A row that the prober wrote; `digest` is of all its columns, by the server that was asked. */
export const canaryRow = z.object({ sequence: z.number(), isIntact: z.boolean(), digest: z.string() })

const range = z.object({ lower: z.number(), upper: z.number() })

/** What a restore left: times of the runner's monotonic clock, and the canary as it came back. */
export const restoredSchema = z.object({
  /** From the order to back up until the first byte may have been read. */
  backupBegan: range,
  backupEnded: range,
  restoreBegan: range,
  /** The restored server's first answer to a query. */
  served: range,
  tool: z.string(),
  /** What the backup holds, as the tool counts it. */
  files: z.number(),
  bytes: z.number(),
  rows: z.array(canaryRow),
  /** The canary of the original, read after the restore; it has more rows, as writing went on. */
  originals: z.array(canaryRow),
  /** What is counted, where that is not rows: `files`. */
  counted: z.string().optional(),
  /** Objects that did not come back, or not as they were. */
  absent: z.array(z.string()).optional(),
})
export type Restored = z.infer<typeof restoredSchema>

/** A write of the canary: when it was sent, and when the server said that it is committed. */
type Write = { sequence: number; ok: boolean; sentAt: number; endedAt: number }

export type RestoreSeen = {
  /** Writes that were acknowledged before the backup began: every one of them has to be there. */
  needed: number
  missing: number[]
  /** Rows that are not the original's byte for byte, or that the original has not got. */
  different: number[]
  restored: number
  counted: string
  absent: string[]
  /** How much older the newest restored row is than the beginning of the restore: what a disaster then would have cost. */
  lost: Range | undefined
  took: Range
}

/** Compares what came back with what was written. */
export function restoreSeen(restored: Restored, log: readonly Write[]): RestoreSeen {
  const there = new Set(restored.rows.map(({ sequence }) => sequence))
  const originals = new Map(restored.originals.map((one) => [one.sequence, one]))
  const needed = log.filter(({ ok, endedAt }) => ok && endedAt <= restored.backupBegan.lower)
  const newest = Math.max(...there)
  const write = log.find(({ sequence, ok }) => ok && sequence === newest)
  return {
    needed: needed.length,
    missing: needed.filter(({ sequence }) => !there.has(sequence)).map(({ sequence }) => sequence),
    different: restored.rows
      .filter(({ sequence, digest, isIntact }) => !isIntact || originals.get(sequence)?.digest !== digest)
      .map(({ sequence }) => sequence),
    restored: restored.rows.length,
    counted: restored.counted ?? 'rows',
    absent: restored.absent ?? [],
    lost: write && {
      lower: restored.restoreBegan.lower - write.endedAt,
      upper: restored.restoreBegan.upper - write.sentAt,
    },
    took: {
      lower: Math.max(0, restored.served.lower - restored.restoreBegan.upper),
      upper: restored.served.upper - restored.restoreBegan.lower,
    },
  }
}

/** Passes only when everything that had to come back did, as it was, in time. Nothing restored is never a pass. */
export function restoreVerdict(seen: RestoreSeen | undefined, objectiveMs: number, doubts: readonly string[]): Verdict {
  if (!seen) return { kind: 'inconclusive', reason: doubts[0] ?? 'nothing was restored, and nothing says why' }
  const { needed, missing, different, restored, counted, absent, took, lost } = seen
  if (restored === 0) return { kind: 'fail', reason: 'the restore came to an end and brought back nothing' }
  if (missing.length > 0)
    return {
      kind: 'fail',
      reason: `${missing.length} of ${needed} writes that were acknowledged before the backup are not in it, the first is number ${missing[0]}`,
    }
  if (different.length > 0)
    return {
      kind: 'fail',
      reason: `${different.length} of ${restored} restored ${counted} differ from the original, the first is number ${different[0]}`,
    }
  if (absent.length > 0)
    return {
      kind: 'fail',
      reason: `${absent[0]}${absent.length > 1 ? ` and ${absent.length - 1} more` : ''}`,
    }
  if (took.lower >= objectiveMs)
    return { kind: 'fail', reason: `it took ${rangeText(took)}, allowed are ${seconds(objectiveMs)}` }
  if (needed === 0)
    return { kind: 'inconclusive', reason: 'nothing was written before the backup, so nothing had to come back' }
  const [doubt] = doubts
  if (doubt !== undefined) return { kind: 'inconclusive', reason: doubt }
  if (took.upper >= objectiveMs)
    return {
      kind: 'inconclusive',
      reason: `it took ${rangeText(took)}, which may be more than ${seconds(objectiveMs)}`,
    }
  return {
    kind: 'pass',
    reason: `${restored} ${counted} came back and equal the original; of ${needed} acknowledged before the backup none is missing; restored in ${rangeText(took)}${lost ? `; the newest was ${rangeText(lost)} old when the restore began` : ''}`,
  }
}
