import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Permission } from './circumstances.ts'
import { circumstancesOf } from './circumstances.ts'
import { runExperiment } from './experiment.ts'
import type { Field } from './field.ts'
import { startGuardian } from './guardian.ts'
import type { JudgedRun } from './judge-run.ts'
import { judgeRun } from './judge-run.ts'
import { inLanes } from './lanes.ts'
import type { Refusal } from './refusals.ts'
import { refusalsOf } from './refusals.ts'
import type { Run } from './run-record.ts'
import type { Scenario } from './scenario.ts'
import { planText, runText } from './texts.ts'

const lookMs = 30_000

export type Done = { run: Run; judged: JudgedRun }
export type Planned = { scenario: Scenario; text: string; refusals: Refusal[] }

const newId = () => `e-${crypto.randomUUID().slice(0, 8)}`

/** Looks at what each scenario would do, and at what speaks against it. Changes nothing. */
export async function planScenarios(
  scenarios: readonly Scenario[],
  field: Field,
  permission: Permission,
): Promise<Planned[]> {
  return Promise.all(
    scenarios.map(async (scenario) => {
      const seen = await circumstancesOf(scenario, newId(), field, permission, deadlineIn(lookMs))
      const refusals = refusalsOf(scenario, seen)
      return { scenario, refusals, text: planText(scenario, seen, refusals) }
    }),
  )
}

export type Acting = {
  field: Field
  permission: Permission
  /** Starts `guardExperiment` in a process of its own, for the journal that is appended. */
  guardCommand: readonly string[]
  tell: (text: string) => void
}

/** Runs scenarios that nothing speaks against, and says of the others why they were not run. */
export async function runScenarios(scenarios: readonly Scenario[], acting: Acting): Promise<Done[]> {
  return inLanes(scenarios, async (scenario) => {
    const run = await runOne(scenario, acting)
    const judged = judgeRun(run, acting.field.platform.figures)
    acting.tell(runText(run, judged))
    return { run, judged }
  })
}

async function runOne(scenario: Scenario, { field, permission, guardCommand, tell }: Acting): Promise<Run> {
  const id = newId()
  try {
    const seen = await circumstancesOf(scenario, id, field, permission, deadlineIn(lookMs))
    const refusals = refusalsOf(scenario, seen)
    if (refusals.length > 0) return notRun(scenario, id, field, refusals.map(sentenceOf).join('; '))
    tell(`${scenario.id} begins on ${scenario.cluster} (${id})`)
    return await runExperiment({
      id,
      scenario,
      field,
      seen,
      guard: (journal) => startGuardian(guardCommand, journal),
      tell: (text) => tell(`${scenario.id}: ${text}`),
    })
  } catch (error) {
    return notRun(scenario, id, field, messageOf(error))
  }
}

const sentenceOf = ({ rule, found, try: advice }: Refusal) => `refused (${rule}): ${found}; ${advice}`

const notRun = (scenario: Scenario, id: string, field: Field, reason: string): Run => ({
  id,
  scenario,
  target: field.target,
  simulated: field.target === 'pair',
  uids: {},
  startedAt: new Date().toISOString(),
  targets: [],
  journeys: [],
  detected: [],
  victims: [],
  witnesses: [],
  residue: [],
  notRun: reason,
})
