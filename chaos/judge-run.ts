import type { Figures } from '../platform/platform.ts'
import type { Range } from './clocks/attempts.ts'
import { databaseSeen } from './clocks/database.ts'
import type { Seen } from './clocks/outages.ts'
import { outagesIn } from './clocks/outages.ts'
import { between, firstHeld, heldSince } from './clocks/sightings.ts'
import type { Measured, Verdict } from './clocks/verdict.ts'
import { blindFor, doubtsAbout, rangeText, seconds, verdictOf, widened } from './clocks/verdict.ts'
import { writesDown } from './prober/journey.ts'
import { phaseText } from './rebuild/phases.ts'
import { restoreSeen, restoreVerdict } from './restore/restored.ts'
import type { Run } from './run-record.ts'
import type { ScenarioJudgement } from './scenario.ts'

/** The clocks of a run, from the moment of injection on. Undefined is what was not seen. */
export type Clocks = {
  impact: Range | undefined
  detect: Range | undefined
  serve: Range | undefined
  redundant: Range | undefined
  /** Of databases: when the first row was written after the fault, by the distance of server clocks. */
  data: Range | undefined
}

/** An objective of platform.yaml, whichever unit the document gives it in. */
export function objectiveSeconds({ objectives }: Figures, name: ScenarioJudgement['objective']): number {
  const objective = objectives[name]
  return 'maxSeconds' in objective ? objective.maxSeconds : objective.maxHours * 3_600
}

export type Judged = { judgement: ScenarioJudgement; verdict: Verdict; measured: Measured[] }

export type JudgedRun = {
  clocks: Clocks
  effects: string[]
  judged: Judged[]
  /** What else was found, in sentences: writes that were lost, the server's own gap, residue. */
  findings: string[]
  outages: { journey: string; seen: Seen }[]
}

const neededSuccesses = 10

/** Judges a run from nothing but its record. The same record gives the same judgement, at any time and anywhere. */
export function judgeRun(run: Run, figures: Figures): JudgedRun {
  const outages = outagesOf(run)
  const effects = effectsOf(run, outages)
  return {
    clocks: clocksOf(run, outages),
    effects,
    outages,
    findings: findingsOf(run),
    judged: run.scenario.judge.map((judgement) => judge(judgement, run, { outages, effects, figures })),
  }
}

type Outages = { journey: string; seen: Seen; periodMs: number; failure: string | undefined }[]

function outagesOf(run: Run): Outages {
  const stability = { successes: neededSuccesses, heldMs: run.scenario.stableSeconds * 1_000 }
  const from = run.steadyFrom ?? -Infinity
  return run.journeys.map(({ id, log, periodMs, failure }) => ({
    journey: id,
    seen: outagesIn(
      log.filter(({ sentAt }) => sentAt >= from),
      stability,
    ),
    periodMs,
    failure,
  }))
}

/** What shows that the fault did something: to users, to pods, or to an outside witness. */
function effectsOf(run: Run, outages: Outages): string[] {
  const { inject } = run
  if (!inject) return []
  const felt = outages
    .filter(({ seen }) => seen.outages.some(({ start }) => start.upper >= inject.lower))
    .map(({ journey, seen }) => `${seen.failures} of ${seen.attempts} operations of ${journey} failed`)
  const replaced = run.victims
    .filter(({ replacedBy }) => replacedBy !== undefined)
    .map(({ subject, replacedBy }) => `${subject} was replaced by ${replacedBy}`)
  const noticed = run.detected.some(({ holds }) => holds) ? ['the control plane noticed'] : []
  return [...felt, ...replaced, ...noticed, ...run.witnesses]
}

function clocksOf(run: Run, outages: Outages): Clocks {
  const { inject, victims, detected } = run
  if (!inject) return { impact: undefined, detect: undefined, serve: undefined, redundant: undefined, data: undefined }
  const since = (range: Range | undefined) => range && between(inject, range)
  const felt = outages.flatMap(({ seen }) => seen.outages)
  const first = felt.toSorted((a, b) => a.start.upper - b.start.upper)[0]
  const ends = felt.map(({ end }) => end)
  const replaced = victims.map(({ sightings }) => heldSince(sightings))
  const gap = databaseOf(run)?.gap
  return {
    impact: since(first?.start),
    detect: since(firstHeld(detected)),
    serve: ends.length > 0 && ends.every((end) => end !== undefined) ? since(latest(ends)) : undefined,
    redundant:
      replaced.length > 0 && replaced.every((range) => range !== undefined) ? since(latest(replaced)) : undefined,
    data: gap && { lower: gap.ms, upper: gap.ms },
  }
}

const latest = (ranges: readonly Range[]): Range => ({
  lower: Math.max(...ranges.map(({ lower }) => lower)),
  upper: Math.max(...ranges.map(({ upper }) => upper)),
})

type Evidence = { outages: Outages; effects: readonly string[]; figures: Figures }

function judge(judgement: ScenarioJudgement, run: Run, evidence: Evidence): Judged {
  const { verdict, measured } = weigh(judgement, run, evidence)
  return { judgement, verdict, measured }
}

function weigh(
  judgement: ScenarioJudgement,
  run: Run,
  { outages, effects, figures }: Evidence,
): { verdict: Verdict; measured: Measured[] } {
  if (run.notRun !== undefined) return { verdict: { kind: 'not run', reason: run.notRun }, measured: [] }
  if (run.stopped !== undefined) return { verdict: { kind: 'aborted', reason: run.stopped }, measured: [] }
  const about = outages.filter(({ journey }) => judgement.journeys?.includes(journey) ?? true)
  const objectiveMs = objectiveSeconds(figures, judgement.objective) * 1_000
  const doubts = [
    ...about.flatMap(({ journey, failure }) => (failure === undefined ? [] : [`the prober of ${journey}: ${failure}`])),
    ...about.flatMap(({ journey, seen }) => (seen.attempts === 0 ? [`${journey} was never probed`] : [])),
    ...(run.rebuilt?.phases ?? []).filter(({ ended }) => ended === undefined).map(phaseText),
    ...(run.residue.length > 0 ? [`it left something behind: ${run.residue[0]}`] : []),
  ]
  if (judgement.by === 'untouched') {
    const blind = about.flatMap(({ journey, seen, periodMs }) => doubtsAbout(journey, seen, periodMs))
    return { verdict: untouched(about, effects, [...doubts, ...blind]), measured: [] }
  }
  if (judgement.by === 'restored') return restoredBy(run, objectiveMs, doubts)
  const measured = measuredBy(judgement, run, about)
  return { verdict: verdictOf({ objectiveMs, measured, effects, doubts }), measured }
}

function measuredBy({ by }: ScenarioJudgement, run: Run, about: Outages): Measured[] {
  const { inject, faultEnd } = run
  switch (by) {
    case 'outage':
      return about.map(({ journey, seen, periodMs }) => ({
        what: `the longest outage of ${journey}`,
        range: widened(seen.longest, blindFor(seen, periodMs)),
      }))
    case 'replacement':
      return run.victims.map(({ subject, sightings }) => ({
        what: `the replacement of ${subject}`,
        range: inject ? between(inject, heldSince(sightings) ?? neverBefore(sightings, run)) : unknown,
      }))
    case 'healing':
      return about.map(({ journey, seen, periodMs }) => ({
        what: `the healing of ${journey}`,
        range: faultEnd ? widened(healingOf(seen, faultEnd), blindFor(seen, periodMs)) : unknown,
      }))
    case 'untouched':
    case 'restored':
      return []
  }
}

function restoredBy(run: Run, objectiveMs: number, doubts: readonly string[]) {
  const writes = run.journeys.find(({ id }) => run.scenario.journeys.some((one) => one.id === id && writesDown(one)))
  const seen = run.restored && restoreSeen(run.restored, writes?.log ?? [])
  const measured: Measured[] = seen ? [{ what: 'the restore', range: seen.took }] : []
  return { verdict: restoreVerdict(seen, objectiveMs, doubts), measured }
}

const unknown: Range = { lower: 0, upper: Infinity }

/** It was not there when somebody looked last; when it came, if ever, nobody knows. */
const neverBefore = (sightings: readonly { sentAt: number }[], run: Run): Range => ({
  lower: sightings.at(-1)?.sentAt ?? run.inject?.upper ?? 0,
  upper: Infinity,
})

function healingOf({ outages }: Seen, faultEnd: Range): Range {
  const last = outages.at(-1)
  if (!last) return { lower: 0, upper: 0 }
  return last.end ? between(faultEnd, last.end) : { lower: 0, upper: Infinity }
}

/** A failed operation is one too many, and only a fault that others saw at work proves that there was none. */
function untouched(about: Outages, effects: readonly string[], doubts: readonly string[]): Verdict {
  const touched = about.filter(({ seen }) => seen.failures > 0)
  if (touched.length > 0) {
    const what = touched.map(
      ({ journey, seen }) =>
        `${seen.failures} of ${seen.attempts} operations of ${journey} failed, for ${rangeText(seen.longest)}`,
    )
    return { kind: 'fail', reason: what.join(', ') }
  }
  if (effects.length === 0)
    return { kind: 'no effect', reason: 'the fault left no mark on anything that was watched, so nothing was proved' }
  const [doubt] = doubts
  if (doubt !== undefined) return { kind: 'inconclusive', reason: doubt }
  const what = about.map(
    ({ journey, seen }) =>
      `none of ${seen.attempts} operations of ${journey} failed (an outage of less than ${seconds(Math.ceil(seen.blindMs))} would not be seen)`,
  )
  return { kind: 'pass', reason: what.join(', ') }
}

/** What became of the database of a run, if it had one. */
export function databaseOf(run: Run) {
  const { database, inject } = run
  if (!database || !inject) return undefined
  const log = run.journeys.find(({ id }) => id === database.journey)?.log ?? []
  return databaseSeen(log, database.rows, inject.lower)
}

function findingsOf(run: Run): string[] {
  const found = databaseOf(run)
  const written = found
    ? [
        `${found.lost.length} of ${found.acknowledged} acknowledged writes were lost${found.lostMs ? `, the newest ${rangeText(found.lostMs)} before the fault` : ''}`,
        `${found.corrupted.length} rows are corrupted`,
        found.gap
          ? `by the server's clock nothing was written for ${seconds(found.gap.ms)} (timeline ${found.gap.timelines.join(' to ')})`
          : 'one server wrote all rows: it was never replaced or restarted',
      ]
    : []
  const phases = (run.rebuilt?.phases ?? []).map(phaseText)
  return [...written, ...phases, ...run.residue.map((line) => `residue: ${line}`)]
}
