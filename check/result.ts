import { z } from 'zod'
import { outcomes } from './outcome.ts'

/** One thing that is not as the document says, written so that it can be read alone. */
export const deviationSchema = z.object({
  /** Kind, namespace and name, for example `Service gitlab/gitlab-webservice`. */
  subject: z.string(),
  /** The cluster that the subject lives on; the one at fault where a check relates both. */
  cluster: z.enum(['infra', 'apps']),
  /** What was found instead, for example `uses 10.25.11.149`. */
  found: z.string(),
  /** A kubectl command that shows the subject. */
  look: z.string().optional(),
})
export type Deviation = z.infer<typeof deviationSchema>

/** A figure of the document beside the one that was observed; filled for disputed results and for budgets. */
export const figureSchema = z.object({
  name: z.string(),
  unit: z.string(),
  documented: z.union([z.number(), z.string()]),
  observed: z.union([z.number(), z.string()]),
})
export type Figure = z.infer<typeof figureSchema>

/** What one check found on one cluster, or on both of them where it relates the two. */
export const resultSchema = z.object({
  claim: z.string(),
  /** Stable id of the check, its claim and its name: `NET-07/loadBalancerAddresses`. */
  check: z.string(),
  /** The lowercase sentence that should be true. */
  fact: z.string(),
  cluster: z.enum(['infra', 'apps', 'across']),
  outcome: z.enum(outcomes),
  /** What was judged before dispute, phase and waiver were considered: a planned claim that already conforms says so here. */
  judgedAs: z.enum(['conforms', 'deviates', 'inconclusive', 'unsupported']),
  /** One sentence: why this outcome. */
  reason: z.string(),
  /** What was counted, as a plural: `LoadBalancer Services`. */
  population: z.string(),
  /** How many subjects were looked at. */
  lookedAt: z.number().int().nonnegative(),
  /** How many it had to be at least. */
  needed: z.number().int().nonnegative(),
  /** Why the floor is what it is, where that is not plain. */
  neededBecause: z.string().optional(),
  /** What each subject has to be, as the failure block prints it. */
  expected: z.string(),
  deviations: z.array(deviationSchema),
  figures: z.array(figureSchema),
  /** Duration of the judgement in milliseconds, without the shared lists. */
  durationMs: z.number().nonnegative(),
  /** How it was observed: `api`, `exec`, ... */
  method: z.string(),
  /** Path of the evidence below the report folder, when some was kept. */
  evidence: z.string().optional(),
})
export type Result = z.infer<typeof resultSchema>
