import { describe, expect, test } from 'vitest'
import { ratioInterval } from './interval.ts'
import { Latencies, fewestRequests, percentiles } from './latencies.ts'
import type { Random } from './random.ts'
import { randomFrom } from './random.ts'

/** How the latencies of one arm come about. The truth is known: every latency of the treated arm is `truth` times one like the control's. */
type Machine = {
  truth: number
  /** Of log latency from request to request, and how much of the last one stays. */
  spread: number
  stays: number
  /** The share of requests in a Pareto tail, and its index: below 2 its variance is infinite. */
  tail: number
  tailIndex: number
  /** What the level of log latency moves by from one arm to the next: always upwards, and at random. */
  drift: number
  jump: number
}

const steady: Machine = { truth: 1.08, spread: 0.3, stays: 0, tail: 0, tailIndex: 3, drift: 0, jump: 0.03 }
const everything: Machine = { truth: 1.2, spread: 0.2, stays: 0.8, tail: 0.02, tailIndex: 1.8, drift: 0.02, jump: 0.05 }
const machines: Record<string, Machine> = {
  'log-normal latencies': steady,
  'a heavy tail': { ...steady, truth: 1.33, tail: 0.03, tailIndex: 1.5 },
  'a machine that becomes slower': { ...steady, drift: 0.02, jump: 0.05 },
  'requests that depend on the one before': { ...steady, truth: 2, spread: 0.2, stays: 0.9 },
  'all of it': everything,
}

const experiments = 1_000
/** As few as a block may have: ten of them are beyond p99. */
const requests = fewestRequests

const normal = (random: Random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

function arm(machine: Machine, level: number, random: Random) {
  const latencies = new Latencies()
  let held = normal(random) * machine.spread
  for (let request = 0; request < requests; request += 1) {
    held = machine.stays * held + Math.sqrt(1 - machine.stays ** 2) * machine.spread * normal(random)
    const stretched = random() < machine.tail ? (1 - random()) ** (-1 / machine.tailIndex) : 1
    latencies.record(Math.min(60_000, Math.exp(level + held) * stretched))
  }
  return latencies.percentiles()
}

function experiment(machine: Machine, blocks: number, random: Random) {
  let level = 0
  const next = () => {
    level += machine.drift + machine.jump * normal(random)
    return level
  }
  return Array.from({ length: blocks }, () => {
    const treated = () => arm(machine, next() + Math.log(machine.truth), random)
    const control = () => arm(machine, next(), random)
    if (random() < 0.5) return { treated: treated(), control: control() }
    const second = control()
    return { treated: treated(), control: second }
  })
}

function coverage(machine: Machine, blocks: number, seed: number) {
  const random = randomFrom(seed)
  const covered = { p50: 0, p95: 0, p99: 0 }
  for (let round = 0; round < experiments; round += 1) {
    const seen = experiment(machine, blocks, random)
    for (const percentile of percentiles) {
      const { lower, upper } = ratioInterval(
        seen.map(({ treated, control }) => treated[percentile] / control[percentile]),
        random,
      )
      if (lower <= machine.truth && machine.truth <= upper) covered[percentile] += 1
    }
  }
  return percentiles.map((percentile) => covered[percentile] / experiments)
}

const cases = [
  ...Object.entries(machines).map(([name, machine]) => ({ name, machine, blocks: 5 })),
  { name: 'all of it', machine: everything, blocks: 12 },
]

describe('the 95 % interval holds the truth in 93 to 97 of 100 experiments', () => {
  test.each(cases)('$name, $blocks blocks', { timeout: 120_000 }, ({ machine, blocks }) => {
    for (const share of coverage(machine, blocks, 20_261 + blocks)) {
      expect(share).toBeGreaterThanOrEqual(0.93)
      expect(share).toBeLessThanOrEqual(0.97)
    }
  })
})
