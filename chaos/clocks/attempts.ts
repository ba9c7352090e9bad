import { z } from 'zod'

/**
 * One operation of a prober. Times are milliseconds of the machine's monotonic clock, which all processes of a machine
 * share. `scheduledAt`: when the schedule wanted it, whatever became of the operations before (open arrivals).
 */
export const attemptSchema = z.object({
  scheduledAt: z.number(),
  sentAt: z.number(),
  endedAt: z.number(),
  ok: z.boolean(),
  /** Who answered, where the answer says it. */
  by: z.string().optional(),
  /** Why it failed. */
  why: z.string().optional(),
})
export type Attempt = z.infer<typeof attemptSchema>

/** Milliseconds between two points in time that are only known to lie between the two ends. */
export type Range = { lower: number; upper: number }

/** Now, on the clock of `Attempt`. */
export const monotonicNow = (): number => Number(process.hrtime.bigint()) / 1e6
