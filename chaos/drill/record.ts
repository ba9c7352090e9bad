import { z } from 'zod'
import type { Figures } from '../../platform/platform.ts'
import { judgeRun } from '../judge-run.ts'
import type { Run } from '../run-record.ts'
import { runSchema } from '../run-record.ts'
import { chained, unchained } from './chain.ts'

const objectives = z.object({ podRecovery: z.number(), nodeRecovery: z.number(), clusterRecovery: z.number() })

const headerSchema = z.object({
  what: z.literal('a drill of twinproof'),
  tier: z.int().min(1).max(3),
  target: z.enum(['pair', 'live']),
  /** True on clusters that were made for it: such a drill proves the suite, never a platform. */
  simulated: z.boolean(),
  uids: z.object({ infra: z.string(), apps: z.string() }).partial(),
  document: z.object({ title: z.string(), version: z.string() }),
  /** Objectives in seconds, as they were on the day. */
  objectives,
  /** Of the repository that the drill was run from. */
  commit: z.string(),
  isDirty: z.boolean(),
  startedAt: z.iso.datetime(),
})
export type DrillHeader = z.infer<typeof headerSchema>

const verdictSchema = z.object({ scenario: z.string(), fact: z.string(), kind: z.string(), reason: z.string() })
export type DrillVerdict = z.infer<typeof verdictSchema>

const endSchema = z.object({ endedAt: z.iso.datetime(), isComplete: z.boolean(), verdicts: z.array(verdictSchema) })

/** What is kept of a drill in the cluster: enough to find the file, and to know whether it is the one. */
export const summarySchema = z.object({
  tier: z.number(),
  simulated: z.boolean(),
  uid: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  isComplete: z.boolean(),
  /** Last hash of the chain. */
  head: z.string(),
  verdicts: z.record(z.string(), z.number()),
})
export type DrillSummary = z.infer<typeof summarySchema>

/** A drill as a file that can be verified: header, every raw run, and the verdicts. */
export function drillRecord(header: DrillHeader, runs: readonly Run[], figures: Figures, endedAt: Date) {
  const verdicts = verdictsOf(header, runs, figures)
  const end = { endedAt: endedAt.toISOString(), isComplete: isComplete(verdicts), verdicts }
  const { text, head } = chained([header, ...runs, end])
  return { text, head, end }
}

/** Every scenario was carried out and measured, however it ended. */
const isComplete = (verdicts: readonly DrillVerdict[]) =>
  verdicts.length > 0 && verdicts.every(({ kind }) => kind === 'pass' || kind === 'fail')

function verdictsOf(header: DrillHeader, runs: readonly Run[], figures: Figures): DrillVerdict[] {
  const then = withObjectives(figures, header.objectives)
  return runs.flatMap((run) =>
    judgeRun(run, then).judged.map(({ judgement, verdict }) => ({
      scenario: run.scenario.id,
      fact: judgement.fact,
      ...verdict,
    })),
  )
}

const withObjectives = (
  figures: Figures,
  { podRecovery, nodeRecovery, clusterRecovery }: DrillHeader['objectives'],
): Figures => ({
  ...figures,
  objectives: {
    ...figures.objectives,
    podRecovery: { ...figures.objectives.podRecovery, maxSeconds: podRecovery },
    nodeRecovery: { ...figures.objectives.nodeRecovery, maxSeconds: nodeRecovery },
    clusterRecovery: { ...figures.objectives.clusterRecovery, maxHours: clusterRecovery / 3_600 },
  },
})

/** Follows the chain and computes every verdict anew from the raw runs. Throws with what does not fit. */
export function verifyDrill(
  text: string,
  figures: Figures,
): { header: DrillHeader; verdicts: DrillVerdict[]; head: string } {
  const { bodies, head } = unchained(text)
  const header = headerSchema.safeParse(bodies[0])
  const end = endSchema.safeParse(bodies.at(-1))
  if (!header.success || !end.success)
    throw new Error('this is no whole drill record: its first or its last line is missing')
  const runs = bodies.slice(1, -1).map((body) => runSchema.parse(body))
  const verdicts = verdictsOf(header.data, runs, figures)
  for (const [index, verdict] of verdicts.entries()) {
    const written = end.data.verdicts[index]
    // Sentences may be worded otherwise by a later version; what was found may not.
    const isSame =
      written?.scenario === verdict.scenario && written.fact === verdict.fact && written.kind === verdict.kind
    if (!isSame)
      throw new Error(
        `${verdict.scenario}: the record says ${written?.kind ?? 'nothing'}, its raw data says ${verdict.kind}: ${verdict.reason}`,
      )
  }
  if (end.data.verdicts.length !== verdicts.length) throw new Error('the record has verdicts without raw data')
  if (end.data.isComplete !== isComplete(verdicts)) throw new Error('the record calls itself complete, and is not')
  return { header: header.data, verdicts, head }
}
