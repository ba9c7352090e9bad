import { z } from 'zod'
import type { Outcome } from '../check/outcome.ts'
import { resultSchema } from '../check/result.ts'

/** What a judging test leaves in `task.meta.conformance`; it comes from a worker, so it is parsed. */
const judgedSchema = z.object({
  result: resultSchema,
  claim: z.object({
    id: z.string(),
    claim: z.string(),
    lines: z.array(z.number()),
    quote: z.string(),
    phase: z.number(),
    dispute: z.object({ id: z.string(), says: z.string(), but: z.string() }).optional(),
  }),
  chapter: z.string(),
  subjects: z.array(
    z.object({ subject: z.string(), cluster: z.string(), holds: z.union([z.literal(true), z.string()]) }),
  ),
})
export type Judged = z.infer<typeof judgedSchema>

/** What was judged in a test; undefined when the test judged nothing. Throws with the path of what has an unexpected form. */
export function judgedOf(meta: object): Judged | undefined {
  if (!('conformance' in meta) || meta.conformance === undefined) return undefined
  const parsed = judgedSchema.safeParse(meta.conformance)
  if (parsed.success) return parsed.data
  throw new Error(`a judgement of unexpected form:\n${z.prettifyError(parsed.error)}`)
}

/** In vitest terms only `conforms` is a passed test. */
export const testStateOf: Record<Outcome, 'passed' | 'failed' | 'skipped'> = {
  conforms: 'passed',
  deviates: 'failed',
  inconclusive: 'failed',
  waived: 'skipped',
  planned: 'skipped',
  unsupported: 'skipped',
  disputed: 'skipped',
}
