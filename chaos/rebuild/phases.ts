import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import { text } from '../../platform/shapes.ts'
import { monotonicNow } from '../clocks/attempts.ts'

/** The way from a cluster in use to one in use again, in this order. */
export const phaseIds = ['backup', 'loss', 'machines', 'platform', 'data', 'link'] as const
export type PhaseId = (typeof phaseIds)[number]

export const phaseSchema = z.strictObject({
  id: z.enum(phaseIds),
  /** What a person has to do where nobody else can. */
  instruction: text,
  budgetMinutes: z.number().positive('more than 0 minutes'),
})
export type Phase = z.infer<typeof phaseSchema>

const range = z.object({ lower: z.number(), upper: z.number() })

/** What became of a phase: times of the runner's monotonic clock. `ended` is when somebody saw that it was done. */
export const phaseRecord = z.object({
  id: z.enum(phaseIds),
  by: z.enum(['suite', 'person']),
  budgetSeconds: z.number(),
  began: z.number(),
  /** Between the last look that said no and the first that said yes. Missing when it never was done. */
  ended: range.optional(),
  /** What the look said that ended it, or the last one that did not. */
  seen: z.string(),
})
export type PhaseRecord = z.infer<typeof phaseRecord>

/** Whether a phase is done: `true` with what shows it, or what is still missing. */
export type Look = (deadline: Deadline) => Promise<{ done: boolean; seen: string }>

export type Hands = Partial<Record<PhaseId, (deadline: Deadline) => Promise<void>>>

export type Walking = {
  phases: readonly Phase[]
  /** What is done by the suite; for the rest a person is told what to do. */
  hands: Hands
  looks: Record<PhaseId, Look>
  tell: (text: string) => void
  deadline: Deadline
  pauseMs?: number
}

/**
 * Goes from phase to phase: acts, or says what a person has to do, and looks until it is done. A budget that is
 * overdrawn is said and written down, and ends nothing: the objective is about the whole.
 */
export async function walkPhases({
  phases,
  hands,
  looks,
  tell,
  deadline,
  pauseMs = 1_000,
}: Walking): Promise<PhaseRecord[]> {
  const records: PhaseRecord[] = []
  for (const [index, { id, instruction, budgetMinutes }] of phases.entries()) {
    const hand = hands[id]
    const record: PhaseRecord = {
      id,
      by: hand ? 'suite' : 'person',
      budgetSeconds: budgetMinutes * 60,
      began: monotonicNow(),
      seen: 'nobody looked',
    }
    records.push(record)
    const title = `phase ${index + 1} of ${phases.length}, ${id}, ${budgetMinutes} min`
    tell(hand ? `${title}: ${instruction}` : `${title}: YOUR TURN: ${instruction}`)
    /* oxlint-disable no-await-in-loop -- one phase after the other */
    try {
      await hand?.(deadline)
      await untilDone(record, looks[id], { tell, deadline, pauseMs })
    } catch (error) {
      record.seen = messageOf(error)
    }
    /* oxlint-enable no-await-in-loop */
    if (record.ended === undefined) break
    const seconds = (record.ended.upper - record.began) / 1_000
    const over = seconds > record.budgetSeconds ? `, over its budget of ${record.budgetSeconds} s` : ''
    tell(`${id} is done after ${seconds.toFixed(0)} s${over}: ${record.seen}`)
  }
  return records
}

async function untilDone(
  record: PhaseRecord,
  look: Look,
  { tell, deadline, pauseMs }: Pick<Walking, 'tell' | 'deadline'> & { pauseMs: number },
): Promise<void> {
  let lower = record.began
  let isOver = false
  /* oxlint-disable no-await-in-loop -- one look after the other */
  for (;;) {
    const asked = monotonicNow()
    try {
      const { done, seen } = await look(deadline)
      record.seen = seen
      if (done) {
        record.ended = { lower, upper: monotonicNow() }
        return
      }
    } catch (error) {
      record.seen = messageOf(error)
    }
    if (deadline.signal.aborted) return
    lower = asked
    if (!isOver && monotonicNow() - record.began > record.budgetSeconds * 1_000) {
      isOver = true
      tell(`${record.id} is over its budget of ${record.budgetSeconds} s, and not done: ${record.seen}`)
    }
    await sleep(pauseMs, undefined, { signal: deadline.signal }).catch(() => {})
  }
  /* oxlint-enable no-await-in-loop */
}

/** `machines 0:31 of 60 min by the suite`, for a person. */
export function phaseText({ id, by, budgetSeconds, began, ended, seen }: PhaseRecord): string {
  const who = by === 'suite' ? 'by the suite' : 'by a person'
  if (!ended) return `phase ${id} was never done (${who}): ${seen}`
  const seconds = (ended.upper - began) / 1_000
  return `phase ${id} took ${seconds.toFixed(0)} s of ${budgetSeconds} s ${who}${seconds > budgetSeconds ? ', over its budget' : ''}: ${seen}`
}
