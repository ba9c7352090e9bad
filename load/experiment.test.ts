import { describe, expect, test } from 'vitest'
import type { RanBlock } from './batch.ts'
import type { ArmRun } from './blocks.ts'
import type { RateResult } from './experiment.ts'
import { batchSeconds, nextOf } from './experiment.ts'
import { Latencies } from './latencies.ts'
import { randomFrom } from './random.ts'

const arm = (ms: number): ArmRun => ({
  asked: 1_000,
  measured: 1_000,
  failed: 0,
  dropped: 0,
  treated: 0,
  participants: [],
  percentiles: { p50: ms, p95: ms, p99: ms },
})
const ran = (ratio: number, reasons: string[] = []): RanBlock => ({
  block: { treated: arm(ratio), control: arm(1) },
  reasons,
  latencies: { treated: new Latencies(), control: new Latencies() },
})
const result = (rate: number, ratios: number[], change: Partial<RateResult> = {}): RateResult => ({
  rate,
  judged: ['p50'],
  ran: ratios.map((ratio) => ran(ratio)),
  failures: [],
  isStandIn: false,
  ...change,
})
const plan = () => ({
  leadSeconds: 10,
  shape: { warmUpSeconds: 1, seconds: 8, gapSeconds: 1 },
  leastBlocks: 5,
  addsBlocks: true,
  random: randomFrom(1),
})
const left = (seconds: number) => ({ remainingMs: () => seconds * 1_000 })
const next = (results: RateResult[], seconds: number, change: { addsBlocks?: boolean } = {}) => {
  const found = nextOf({ ...plan(), ...change }, results, left(seconds))
  return found && [found.result.rate, found.blocks]
}
const clear = [1.02, 1.01, 1.03, 1.02, 1.01]
const open = [1.0, 1.1, 1.05, 1.15, 0.95]

describe('the next batch', () => {
  test('gives every rate its least blocks first, as many as fit', () => {
    expect(next([result(100, open), result(200, clear.slice(0, 2))], 600)).toEqual([200, 3])
    expect(next([result(100, [])], batchSeconds(plan(), 3) + 10)).toEqual([100, 3])
    expect(next([result(100, [])], batchSeconds(plan(), 1))).toBeUndefined()
  })

  test('fits into one log', () => {
    expect(next([result(10_000, [])], 600)).toEqual([10_000, 1])
  })

  test('then goes to what is open and can be decided, and to nothing else', () => {
    expect(next([result(100, clear), result(200, open)], 600)).toEqual([200, 5])
    expect(next([result(100, clear)], 600)).toBeUndefined()
    expect(next([result(200, open)], 600, { addsBlocks: false })).toBeUndefined()
  })

  test('makes up for void blocks, not for batches that come to nothing', () => {
    const voided = [...clear.slice(0, 4).map((ratio) => ran(ratio)), ran(1, ['control: server restarted'])]
    expect(next([result(100, [], { ran: voided })], 600)).toEqual([100, 1])
    expect(next([result(100, [], { failures: ['a', 'b'] })], 600)).toBeUndefined()
  })
})
