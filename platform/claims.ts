import { z } from 'zod'
import { claimId, clusterNames, lines, phaseNumber, text } from './shapes.ts'

const dispute = z.strictObject({
  id: z.string().regex(/^C-\d{2}[a-z]?$/, 'a dispute id, such as C-24'),
  severity: z.enum(['high', 'medium', 'low']),
  kind: z.enum(['impossible', 'misattributed', 'other-document', 'self-contradiction', 'underspecified']),
  /** What the document says. */
  says: text,
  /** Why that cannot be judged plainly. */
  but: text,
})

const claim = z.strictObject({
  id: claimId,
  /** `each`: of both clusters, judged one by one. `across`: it relates the two. */
  clusters: z.enum([...clusterNames, 'each', 'across']),
  lines,
  /** A short anchor that stands on one of the lines. */
  quote: text,
  /** The sentence that has to be true. */
  claim: text,
  /** What to read to judge it, for whoever writes the check. */
  observe: z.array(text).min(1, 'at least one thing to observe'),
  method: z
    .array(z.enum(['api', 'exec', 'port-forward', 'promql', 'jaeger', 'load', 'fault', 'external']))
    .min(1, 'at least one method'),
  phase: phaseNumber,
  dispute: dispute.optional(),
})

/** `claims.yaml`. */
export const claimsSchema = z.array(claim).min(1, 'at least one claim')
export type Claim = z.infer<typeof claim>
