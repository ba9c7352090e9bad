import { Cron } from 'croner'
import parseDuration from 'parse-duration'
import { roundTo } from './quantities.ts'

export const secondMs = 1_000
export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** How long ago something was, in milliseconds; undefined when its time is not known. */
export function ageMs(time: string | undefined, now: Date): number | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(at) ? undefined : now.getTime() - at
}

/** A length of time for people: `45 s`, `6.5 h`, `8 days`. */
export function inWords(ms: number): string {
  if (ms < 2 * 60 * secondMs) return `${roundTo(0, ms / secondMs)} s`
  if (ms < 2 * hourMs) return `${roundTo(0, ms / 60 / secondMs)} min`
  return ms < 2 * dayMs ? `${roundTo(1, ms / hourMs)} h` : `${roundTo(1, ms / dayMs)} days`
}

/** A Go duration (`1m12.4s`) in milliseconds; undefined when it is none. */
export function goDurationMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : (parseDuration(text) ?? undefined)
}

/** Runs looked at to find the longest pause: ten years of months, two of weeks. */
const runs = 120

/**
 * The longest time between two runs of a cron schedule, in milliseconds; undefined when it is no schedule or never runs twice.
 * With six fields the first is seconds, as CloudNativePG writes them.
 */
export function longestPauseMs(schedule: string, now: Date): number | undefined {
  const key = `${now.getTime()} ${schedule}`
  if (!known.has(key)) known.set(key, findLongestPause(schedule, now))
  return known.get(key)
}

/** The same few schedules are asked for again and again. */
const known = new Map<string, number | undefined>()

function findLongestPause(schedule: string, now: Date): number | undefined {
  const every = /^@every (.+)$/.exec(schedule)?.[1]
  if (every !== undefined) return goDurationMs(every)
  try {
    const times = new Cron(schedule, { timezone: 'UTC', paused: true })
      .nextRuns(runs, now)
      .map((time) => time.getTime())
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? time))
    return pauses.length === 0 ? undefined : Math.max(...pauses)
  } catch {
    return undefined
  }
}
