import { z } from 'zod'
import { sentSchema } from './prober/probers.ts'
import { phaseRecord } from './rebuild/phases.ts'
import { restoredSchema } from './restore/restored.ts'
import { scenarioSchema } from './scenario.ts'

const range = z.object({ lower: z.number(), upper: z.number() })
const sighting = z.object({ sentAt: z.number(), endedAt: z.number(), holds: z.boolean() })

/** A cluster that was lost and rebuilt: it is another one now. */
export const rebuiltSchema = z.object({ uidBefore: z.string(), uid: z.string(), phases: z.array(phaseRecord) })
export type Rebuilt = z.infer<typeof rebuiltSchema>

/**
 * Everything raw that a run of a scenario left: each number of a verdict can be computed from it anew. Times are
 * milliseconds of one monotonic clock; `wallAtInject` says when that was.
 */
export const runSchema = z.object({
  id: z.string(),
  scenario: scenarioSchema,
  target: z.enum(['pair', 'live']),
  simulated: z.boolean(),
  uids: z.object({ infra: z.string(), apps: z.string() }).partial(),
  startedAt: z.iso.datetime(),
  wallAtInject: z.iso.datetime().optional(),
  targets: z.array(z.string()),
  /** From then on every journey was well, until the fault: what was before says nothing of it. */
  steadyFrom: z.number().optional(),
  /** When the fault was asked for, and when that was answered. */
  inject: range.optional(),
  /** When the fault ended, by itself or because it was taken back. */
  faultEnd: range.optional(),
  /** When everything was taken back and the journeys were watched no longer. */
  watchedUntil: z.number().optional(),
  journeys: z.array(
    z.object({ id: z.string(), periodMs: z.number(), log: z.array(sentSchema), failure: z.string().optional() }),
  ),
  database: z
    .object({
      journey: z.string(),
      rows: z.array(
        z.object({
          sequence: z.number(),
          at: z.number(),
          timeline: z.number(),
          serverStartedAt: z.number(),
          isIntact: z.boolean(),
        }),
      ),
    })
    .optional(),
  restored: restoredSchema.optional(),
  rebuilt: rebuiltSchema.optional(),
  detected: z.array(sighting),
  victims: z.array(
    z.object({
      subject: z.string(),
      owner: z.string(),
      sightings: z.array(sighting),
      replacedBy: z.string().optional(),
    }),
  ),
  /** What others than the probers saw of the fault. */
  witnesses: z.array(z.string()),
  residue: z.array(z.string()),
  /** Why it was stopped before its end. */
  stopped: z.string().optional(),
  /** Why nothing was broken. */
  notRun: z.string().optional(),
})
export type Run = z.infer<typeof runSchema>
