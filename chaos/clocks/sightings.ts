import type { Range } from './attempts.ts'

/** One look at something that is asked again and again: is the node gone, are all replicas there. */
export type Sighting = { sentAt: number; endedAt: number; holds: boolean }

/**
 * When a condition began to hold for good: between the sending of the last look that did not see it and the end of the
 * next one. Undefined when the last look did not see it, or when there was none.
 */
export function heldSince(sightings: readonly Sighting[]): Range | undefined {
  const looks = sightings.toSorted((a, b) => a.sentAt - b.sentAt)
  const lastMiss = looks.findLastIndex(({ holds }) => !holds)
  const first = looks[lastMiss + 1]
  if (!first) return undefined
  return { lower: looks[lastMiss]?.sentAt ?? -Infinity, upper: first.endedAt }
}

/** When a condition held for the first time, whatever came later. */
export function firstHeld(sightings: readonly Sighting[]): Range | undefined {
  const looks = sightings.toSorted((a, b) => a.sentAt - b.sentAt)
  const index = looks.findIndex(({ holds }) => holds)
  const first = looks[index]
  return first ? { lower: looks[index - 1]?.sentAt ?? -Infinity, upper: first.endedAt } : undefined
}

/** The time from one moment to another, both known as ranges. */
export const between = (from: Range, to: Range): Range => ({
  lower: Math.max(0, to.lower - from.upper),
  upper: Math.max(0, to.upper - from.lower),
})
