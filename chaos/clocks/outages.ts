import type { Attempt, Range } from './attempts.ts'

/** When a service counts as back: so many successes in a row, held for so long. A relapse before continues the outage. */
export type Stability = { successes: number; heldMs: number }

/** A time without service. `end` is undefined while it has not become stable again by the end of the log. */
export type Outage = {
  /** The outage began between these two points in time. */
  start: Range
  end: Range | undefined
  /** Its length lies between these; `upper` is infinite while it has not ended, or when nothing was seen before it. */
  lengthMs: Range
  failures: number
}

/** What a prober's log says of a service. */
export type Seen = {
  outages: Outage[]
  longest: Range
  total: Range
  /** The longest time without an attempt that was sent, outages aside: what may have happened there is not known. */
  blindMs: number
  attempts: number
  failures: number
}

/**
 * Outages out of a log. An attempt tells only that the service was up, or was not, at some moment between its sending
 * and its end; so every bound is taken from the end of the attempt that cannot be wrong. That makes intervals wider by
 * the time-out of an attempt, and never too narrow.
 */
export function outagesIn(log: readonly Attempt[], stability: Stability): Seen {
  const attempts = log.toSorted((a, b) => a.sentAt - b.sentAt)
  const outages = episodesOf(attempts, stability).map((episode) => boundsOf(episode, attempts))
  return {
    outages,
    longest: longestOf(outages),
    total: {
      lower: outages.reduce((sum, { lengthMs }) => sum + lengthMs.lower, 0),
      upper: outages.reduce((sum, { lengthMs }) => sum + lengthMs.upper, 0),
    },
    blindMs: longestGap(attempts),
    attempts: attempts.length,
    failures: attempts.filter(({ ok }) => !ok).length,
  }
}

const longestOf = (outages: readonly Outage[]): Range => ({
  lower: Math.max(0, ...outages.map(({ lengthMs }) => lengthMs.lower)),
  upper: Math.max(0, ...outages.map(({ lengthMs }) => lengthMs.upper)),
})

type Episode = { failures: Attempt[]; isOver: boolean }

/** Failures that no stable time of success lies between. */
function episodesOf(attempts: readonly Attempt[], stability: Stability): Episode[] {
  const episodes: Episode[] = []
  let current: Episode | undefined
  let successes: Attempt[] = []
  for (const attempt of attempts) {
    if (attempt.ok) {
      successes.push(attempt)
      if (current && isStable(successes, stability)) {
        current.isOver = true
        current = undefined
      }
      continue
    }
    successes = []
    if (!current) {
      current = { failures: [], isOver: false }
      episodes.push(current)
    }
    current.failures.push(attempt)
  }
  return episodes
}

function isStable(successes: readonly Attempt[], { successes: needed, heldMs }: Stability): boolean {
  const [first] = successes
  const last = successes.at(-1)
  return first !== undefined && last !== undefined && successes.length >= needed && last.sentAt - first.sentAt >= heldMs
}

function boundsOf({ failures, isOver }: Episode, attempts: readonly Attempt[]): Outage {
  const firstSent = Math.min(...failures.map(({ sentAt }) => sentAt))
  const firstEnded = Math.min(...failures.map(({ endedAt }) => endedAt))
  const lastSent = Math.max(...failures.map(({ sentAt }) => sentAt))
  const lastEnded = Math.max(...failures.map(({ endedAt }) => endedAt))
  const successes = attempts.filter(({ ok }) => ok)
  const before = successes.filter(({ endedAt }) => endedAt <= firstSent).map(({ sentAt }) => sentAt)
  const after = successes.filter(({ sentAt }) => sentAt >= lastEnded).map(({ endedAt }) => endedAt)
  const start = { lower: Math.max(-Infinity, ...before), upper: firstEnded }
  const end = isOver ? { lower: lastSent, upper: Math.min(Infinity, ...after) } : undefined
  return {
    start,
    end,
    lengthMs: {
      lower: Math.max(0, (end?.lower ?? lastSent) - start.upper),
      upper: end === undefined ? Infinity : end.upper - start.lower,
    },
    failures: failures.length,
  }
}

function longestGap(attempts: readonly Attempt[]): number {
  let longest = 0
  for (const [index, attempt] of attempts.entries()) {
    const next = attempts[index + 1]
    // Between two failures nothing is hidden: the outage covers it.
    if (next && (attempt.ok || next.ok)) longest = Math.max(longest, next.sentAt - attempt.sentAt)
  }
  return longest
}
