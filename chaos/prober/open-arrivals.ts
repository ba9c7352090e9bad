import { setTimeout as sleep } from 'node:timers/promises'
import type { Attempt } from '../clocks/attempts.ts'
import { monotonicNow } from '../clocks/attempts.ts'

/** What became of one operation; `why` says how it failed. */
export type Answer = { ok: true; by?: string } | { ok: false; why: string }

export type Arrivals = {
  periodMs: number
  signal: AbortSignal
  operate: (sequence: number) => Promise<Answer>
  tell: (attempt: Attempt & { sequence: number }) => void
}

/**
 * Starts an operation every period, whatever became of those before: a service that hangs cannot slow down the one who
 * asks, so no outage is hidden. Ends when it is told to, and after what was still under way.
 */
export async function keepAsking({ periodMs, signal, operate, tell }: Arrivals): Promise<void> {
  const began = monotonicNow()
  const underWay = new Set<Promise<void>>()
  for (let sequence = 0; !signal.aborted; sequence += 1) {
    const scheduledAt = began + sequence * periodMs
    const early = scheduledAt - monotonicNow()
    // oxlint-disable-next-line no-await-in-loop -- the schedule
    if (early > 0) await sleep(early, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    const sentAt = monotonicNow()
    const operation = operate(sequence).then((answer) => {
      tell({ sequence, scheduledAt, sentAt, endedAt: monotonicNow(), ...answer })
      underWay.delete(operation)
    })
    underWay.add(operation)
  }
  await Promise.all(underWay)
}
