import type { Range } from './clocks/attempts.ts'
import { rangeText } from './clocks/verdict.ts'
import type { JudgedRun } from './judge-run.ts'
import type { Circumstances, Refusal } from './refusals.ts'
import type { Run } from './run-record.ts'
import type { Scenario } from './scenario.ts'
import { undoText } from './undo.ts'

/** What a scenario would do, for a person who decides about it. */
export function planText(scenario: Scenario, seen: Circumstances, refusals: readonly Refusal[]): string {
  const { id, what, cluster, fault, faultSeconds, longestSeconds } = scenario
  const targets = seen.targets.map(
    ({ kind, namespace, name, uid }) => `${kind} ${namespace ? `${namespace}/` : ''}${name} (${uid})`,
  )
  const undo = seen.undo.map((one) => (one === undefined ? 'no way back' : undoText(one)))
  return [
    `${id}: ${what}`,
    `  on         ${cluster}`,
    `  breaks     ${fault.driver} ${fault.action}, ${faultSeconds === 0 ? 'once' : `for at most ${faultSeconds} s`}; all is over after ${longestSeconds} s`,
    ...list('targets', targets.length === 0 ? ['none'] : targets),
    ...list('way back', [...new Set(undo)]),
    ...list(
      'watched by',
      scenario.journeys.map((journey) => `${journey.id} from ${journey.from}, every ${journey.periodMs} ms`),
    ),
    ...list(
      'judged',
      scenario.judge.map(({ claim, fact, objective }) => `${claim ?? 'no claim'} ${fact} (${objective})`),
    ),
    ...(refusals.length === 0
      ? ['  nothing speaks against it']
      : list(
          'refused',
          refusals.map(({ rule, found, try: advice }) => `${rule}: ${found}; ${advice}`),
        )),
  ].join('\n')
}

const list = (name: string, lines: readonly string[]) =>
  lines.map((line, index) => `  ${(index === 0 ? name : '').padEnd(11)}${line}`)

/** What a run found, as lines for a person. */
export function runText(run: Run, { clocks, judged, findings, effects }: JudgedRun): string {
  const clock = (name: string, range: Range | undefined) => (range === undefined ? [] : [`${name} ${rangeText(range)}`])
  const times = [
    ...clock('impact', clocks.impact),
    ...clock('detect', clocks.detect),
    ...clock('serve', clocks.serve),
    ...clock('redundant', clocks.redundant),
    ...clock('data', clocks.data),
  ]
  return [
    `${run.scenario.id} on ${run.scenario.cluster}`,
    ...judged.map(
      ({ judgement, verdict }) =>
        `  ${verdict.kind.toUpperCase().padEnd(13)}${(judgement.claim ?? '').padEnd(8)} ${judgement.fact}: ${verdict.reason}`,
    ),
    ...(times.length === 0 ? [] : [`  clocks       ${times.join('  ')}`]),
    ...list('effects', effects.slice(0, 4)),
    ...list('found', findings),
  ].join('\n')
}
