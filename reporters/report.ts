import { z } from 'zod'
import { outcomes, type Outcome } from '../check/outcome.ts'
import { resultSchema } from '../check/result.ts'

/** Raised whenever a reader of the report would have to change: a field goes or changes its meaning, or what one claim is. */
export const schemaVersion = 1

const clusterSchema = z
  .object({
    context: z.string().describe('the kubeconfig context that was used'),
    uid: z.string().describe('UID of the namespace kube-system: which cluster it really was'),
    version: z.string().describe('version of the API server'),
    nodes: z.int().nonnegative(),
    pods: z.int().nonnegative(),
  })
  .nullable()
  .describe('null when the cluster was not reached')

const setupFailureSchema = z
  .object({
    what: z.string().describe('what was being done'),
    where: z.string().describe('cluster, file or object'),
    expected: z.string(),
    found: z.string(),
    try: z.string().describe('what to do about it'),
  })
  .describe('why the run itself failed; with it the exit code is 3')
export type SetupFailure = z.infer<typeof setupFailureSchema>

const disputeSchema = z.object({ id: z.string(), says: z.string(), but: z.string() })

const waiverSchema = z.object({
  justification: z.string(),
  owner: z.string(),
  until: z.string().describe('last day, YYYY-MM-DD'),
  expired: z.boolean().describe('an expired waiver counts as none'),
})

const claimSchema = z.object({
  id: z.string(),
  chapter: z.string(),
  claim: z.string().describe('the sentence that has to be true'),
  lines: z.array(z.int().positive()).describe('lines of the document'),
  quote: z.string(),
  phase: z.int().positive(),
  clusters: z.enum(['infra', 'apps', 'each', 'across']),
  outcome: z.enum(outcomes).describe('the worst outcome of its results'),
  reason: z.string(),
  methods: z
    .object({ judged: z.array(z.string()), open: z.array(z.string()) })
    .describe('how the claim was observed, and what is left to observe'),
  dispute: disputeSchema.optional(),
  waiver: waiverSchema.optional(),
  results: z.array(resultSchema),
})
export type ReportedClaim = z.infer<typeof claimSchema>

const countsSchema = z.record(z.enum(outcomes), z.int().nonnegative())
export type Counts = z.infer<typeof countsSchema>

/** `reports/conformance.json`: the authority on a run. Console, Allure, JUnit and the job summary are views of it. */
export const reportSchema = z.object({
  schemaVersion: z.literal(schemaVersion),
  tool: z.object({ name: z.string(), version: z.string() }),
  document: z.object({ title: z.string(), version: z.string(), date: z.string() }),
  target: z.enum(['pair', 'live']),
  simulated: z.boolean().describe('true when the clusters were made for the run'),
  targetSentence: z.string().describe('what a verdict on this target is worth'),
  programs: z
    .object({
      standIns: z.array(z.string()).describe('documented programs that a stand-in plays'),
      real: z
        .array(z.string())
        .describe('programs that are there; in brackets, where it is another than the documented'),
      replaced: z.array(z.string()).describe('components that the user put in the place of the built-in ones'),
    })
    .optional()
    .describe('what ran on a pair; absent for live clusters'),
  readOnly: z.boolean().optional(),
  startedAt: z.iso.datetime(),
  durationMs: z.number().nonnegative(),
  judgingMs: z.number().nonnegative().describe('the part of the duration that was spent on listing and judging'),
  observingMs: z
    .number()
    .nonnegative()
    .describe('the part that was spent on acting: probes, port-forwards, queries, and their removal'),
  clusters: z.object({ infra: clusterSchema, apps: clusterSchema }),
  plannedIds: z
    .array(z.string())
    .describe('claims that the run had to report; equal to the ids of `claims`, or the exit code is 3'),
  claims: z.array(claimSchema),
  counts: countsSchema,
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
  setupFailure: setupFailureSchema.optional(),
  filter: z
    .object({ claims: z.array(z.string()), chapters: z.array(z.string()) })
    .optional()
    .describe('what the run was limited to; claims left out are unsupported'),
})
export type Report = z.infer<typeof reportSchema>

/** The sentence that is printed with every verdict of a target. */
export const targetSentences: Record<Report['target'], string> = {
  pair: "a verdict on the pair is a proof of the suite, never of anybody's platform",
  live: 'a verdict on these two clusters at this time',
}

/** `MULTI-CLUSTER-OVERVIEW v2.0`, whether the document writes its version with or without the v. */
export const documentName = ({ title, version }: Pick<Report['document'], 'title' | 'version'>) =>
  `${title} v${version.replace(/^v/i, '')}`

/** How many claims ended with each outcome. */
export function countOutcomes(all: readonly Outcome[]): Counts {
  const counts: Counts = {
    conforms: 0,
    waived: 0,
    planned: 0,
    unsupported: 0,
    disputed: 0,
    inconclusive: 0,
    deviates: 0,
  }
  for (const outcome of all) counts[outcome] += 1
  return counts
}

/** `128 of 157 sentences hold. 1 does not. 0 could not be judged.` */
export function verdictSentence({ claims, counts }: Pick<Report, 'claims' | 'counts'>): string {
  const { conforms, deviates, inconclusive } = counts
  return [
    `${conforms} of ${claims.length} sentences ${conforms === 1 ? 'holds' : 'hold'}.`,
    `${deviates} ${deviates === 1 ? 'does' : 'do'} not.`,
    `${inconclusive} could not be judged.`,
  ].join(' ')
}
