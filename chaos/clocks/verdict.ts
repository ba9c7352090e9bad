import type { Range } from './attempts.ts'
import type { Seen } from './outages.ts'

/** How a fault ended. Only `pass` says that an objective was met. */
export type Verdict = {
  kind: 'pass' | 'fail' | 'inconclusive' | 'no effect' | 'aborted' | 'not run'
  reason: string
}

/** A time that an objective is about, and what it is called: `the longest outage of echo`. */
export type Measured = { what: string; range: Range }

export type Weighing = {
  objectiveMs: number
  measured: readonly Measured[]
  /** What shows that the fault did something; without one there is nothing to judge. */
  effects: readonly string[]
  /** What keeps the measurement from being trusted. */
  doubts: readonly string[]
}

/** Judges by the upper end of what was measured: inside an interval that holds the objective nothing is known. */
export function verdictOf({ objectiveMs, measured, effects, doubts }: Weighing): Verdict {
  if (effects.length === 0)
    return { kind: 'no effect', reason: 'the fault left no mark on anything that was watched, so nothing was proved' }
  const failed = measured.filter(({ range }) => range.lower >= objectiveMs)
  if (failed.length > 0)
    return { kind: 'fail', reason: `${failed.map(describe).join(', ')}; the objective is ${seconds(objectiveMs)}` }
  const [doubt] = doubts
  if (doubt !== undefined) return { kind: 'inconclusive', reason: doubt }
  if (measured.length === 0) return { kind: 'inconclusive', reason: 'nothing was measured' }
  const unclear = measured.filter(({ range }) => !(range.upper < objectiveMs))
  if (unclear.length > 0)
    return {
      kind: 'inconclusive',
      reason: `${unclear.map(describe).join(', ')}: the objective of ${seconds(objectiveMs)} lies inside`,
    }
  return { kind: 'pass', reason: `${measured.map(describe).join(', ')}; the objective is ${seconds(objectiveMs)}` }
}

/** A prober that did not send for this many periods was blind: a busy machine does not keep every appointment. */
const tolerableGap = 5

/** For how long nobody knows what happened; a gap of a few periods is what a schedule is. */
export const blindFor = ({ blindMs }: Seen, periodMs: number): number =>
  blindMs > tolerableGap * periodMs ? blindMs : 0

/** What an outage may have been at most: what was seen of it, and as much again as nobody could see. */
export const widened = ({ lower, upper }: Range, blindMs: number): Range => ({ lower, upper: upper + blindMs })

/** Why a log cannot show that nothing failed, if it cannot. */
export function doubtsAbout(what: string, seen: Seen, periodMs: number): string[] {
  if (seen.attempts === 0) return [`${what} was never probed`]
  const blindMs = blindFor(seen, periodMs)
  return blindMs > 0 ? [`nothing was sent to ${what} for ${seconds(blindMs)}: what happened then is not known`] : []
}

const describe = ({ what, range }: Measured) => `${what} ${rangeText(range)}`

const number = (ms: number) => (ms / 1000).toFixed(ms < 10_000 ? 2 : 1)
export const seconds = (ms: number): string =>
  Number.isFinite(ms) ? `${ms % 1000 === 0 ? ms / 1000 : number(ms)} s` : 'for ever'

/** `[3.21, 3.64]`, in seconds, for where the unit stands already. */
export const rangeNumbers = ({ lower, upper }: Range): string =>
  Number.isFinite(upper) ? `[${number(lower)}, ${number(upper)}]` : `[${number(lower)}, not ended]`

/** `[3.21, 3.64] s`; `[41.2 s, not ended]` while it lasts. */
export const rangeText = ({ lower, upper }: Range): string =>
  Number.isFinite(upper) ? `[${number(lower)}, ${number(upper)}] s` : `[${number(lower)} s, not ended]`
