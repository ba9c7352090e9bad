import type { Samples } from './k6-samples.ts'
import { Latencies } from './latencies.ts'

/** What one k6 wrote about one of its loads. */
export type LoadLog = Samples & {
  /** When its warm-up ended and measuring began, in milliseconds since 1970; undefined: it never did. */
  beganAt: number | undefined
  /** The same of the last of several k6; equal to `beganAt` when there is one. */
  lastBeganAt: number | undefined
}

export type K6Log = {
  loads: LoadLog[]
  /** Every request that it sent, those of warm-ups as well. */
  sent: number
  /** What it complained of last, such as requests that failed. */
  complaint: string | undefined
}

const line = {
  sample: /^sample (\d+) (\d+) ([01])$/,
  began: /^began (\d+) (\d+)$/,
  counted: /^counted (\d+) (\d+) (\d+) (\d+)$/,
  sent: /^sent (\d+)$/,
}

/**
 * Reads the log of a k6 that ran `constant-rate.ts` with SAMPLES=yes: every measured request, and at the end what k6
 * itself counted. Throws when the log has fewer: then a part of it is missing, and the rest would be a guess. A k6 that ends
 * itself counts the last ones no more.
 */
export function parseK6Log(text: string, count: number): K6Log {
  const loads: LoadLog[] = Array.from({ length: count }, () => ({
    latencies: new Latencies(),
    failed: 0,
    dropped: 0,
    beganAt: undefined,
    lastBeganAt: undefined,
  }))
  const counted = new Map<number, number>()
  let sent: number | undefined
  const at = (index: string | undefined): LoadLog => {
    const load = loads[Number(index)]
    if (!load) throw new Error(`k6 wrote of load ${index}, and was asked for ${count}`)
    return load
  }
  for (const written of text.split('\n')) {
    const sample = line.sample.exec(written)
    if (sample) {
      const load = at(sample[1])
      load.latencies.record(Number(sample[2]) / 1_000)
      load.failed += Number(sample[3])
      continue
    }
    const began = line.began.exec(written)
    if (began) {
      const load = at(began[1])
      load.beganAt = Number(began[2])
      load.lastBeganAt = load.beganAt
    }
    const total = line.counted.exec(written)
    if (total) {
      at(total[1]).dropped = Number(total[4])
      counted.set(Number(total[1]), Number(total[2]))
    }
    const all = line.sent.exec(written)
    if (all) sent = Number(all[1])
  }
  if (sent === undefined) throw new Error(`k6 wrote no summary; its last lines: ${lastLines(text)}`)
  for (const [index, { latencies }] of loads.entries()) {
    const own = counted.get(index)
    if (own === undefined) throw new Error(`k6 did not say how many requests of load ${index} it counted`)
    if (own > latencies.count)
      throw new Error(`k6 counted ${own} requests of load ${index}, its log holds ${latencies.count}`)
  }
  return { loads, sent, complaint: complaintIn(text) }
}

function complaintIn(text: string): string | undefined {
  const own = Object.values(line)
  const said = text.split('\n').findLast((written) => written !== '' && !own.some((form) => form.test(written)))
  return said?.slice(0, 300)
}

/** Several k6 that shared each load: all their requests together, never percentiles of percentiles. */
export function mergeLogs(logs: readonly K6Log[]): K6Log {
  const [first, ...others] = logs
  if (!first) throw new Error('no k6 has written a log')
  const merged = first.loads.map((load, index): LoadLog => {
    const shares = logs.map(({ loads }) => loads[index]).filter((share) => share !== undefined)
    const latencies = new Latencies()
    for (const share of shares) latencies.add(share.latencies)
    const sum = (of: (share: LoadLog) => number) => shares.reduce((total, share) => total + of(share), 0)
    const times = shares.map(({ beganAt }) => beganAt)
    const began = times.filter((time) => time !== undefined)
    const didAll = began.length === logs.length
    return {
      ...load,
      latencies,
      failed: sum(({ failed }) => failed),
      dropped: sum(({ dropped }) => dropped),
      beganAt: didAll ? Math.min(...began) : undefined,
      lastBeganAt: didAll ? Math.max(...began) : undefined,
    }
  })
  const sent = others.reduce((total, log) => total + log.sent, first.sent)
  return { loads: merged, sent, complaint: logs.find(({ complaint }) => complaint !== undefined)?.complaint }
}

const linesShown = 5
const lastLines = (text: string) =>
  text
    .split('\n')
    .filter((written) => written !== '' && !line.sample.test(written))
    .slice(-linesShown)
    .join(' / ') || 'none'
