import { describe, expect, test } from 'vitest'
import type { ArmRun, Block } from './blocks.ts'
import { differencesOf, orderOfArms, ratiosOf, voidReasons } from './blocks.ts'
import { randomFrom } from './random.ts'

const server = { name: 'server', restarts: 0, throttledPeriods: 3, node: 'apps-02' }
const run = (treated: number, change: Partial<ArmRun> = {}): ArmRun => ({
  asked: 2_000,
  measured: 2_000,
  failed: 0,
  dropped: 0,
  treated,
  participants: [{ before: server, after: server }],
  percentiles: { p50: 1, p95: 2, p99: 4 },
  ...change,
})
const good: Block = { treated: run(2_100, { percentiles: { p50: 1.5, p95: 3, p99: 5 } }), control: run(0) }

const control = (change: Partial<ArmRun>): Block => ({ ...good, control: { ...good.control, ...change } })
const treated = (change: Partial<ArmRun>): Block => ({ ...good, treated: { ...good.treated, ...change } })

test('a block in which nothing went wrong counts', () => {
  expect(voidReasons(good)).toEqual([])
  expect(voidReasons(control({ measured: 2_001, failed: 20 }))).toEqual([])
})

describe('a block is void when', () => {
  test.each<[string, Block, string[]]>([
    ['the generator is saturated', control({ dropped: 7 }), ['control: k6 dropped 7 iterations']],
    ['requests fail', treated({ failed: 21 }), ['treated: 21 of 2000 requests failed']],
    [
      'an arm is dead',
      control({ measured: 0 }),
      ['control: 0 requests were measured, 2000 asked for', 'control: 0 requests are too few for a p99: 1000 at least'],
    ],
    [
      'the arms are swapped',
      { treated: good.control, control: good.treated },
      ['treated: only 0 of 2000 requests passed the treatment', 'control: 2100 requests passed the treatment'],
    ],
    [
      'some requests went past the mesh',
      treated({ treated: 1_999 }),
      ['treated: only 1999 of 2000 requests passed the treatment'],
    ],
    [
      'nobody counted',
      treated({ treated: undefined }),
      ['treated: no counter says which requests passed the treatment'],
    ],
    [
      'the server was throttled',
      control({ participants: [{ before: server, after: { ...server, throttledPeriods: 4 } }] }),
      ['control: server was throttled'],
    ],
    [
      'nobody looks whether the server was throttled',
      control({ participants: [{ before: server, after: { ...server, throttledPeriods: undefined } }] }),
      ['control: nobody says whether server was throttled'],
    ],
    [
      'the server restarted',
      control({ participants: [{ before: server, after: { ...server, restarts: 1 } }] }),
      ['control: server restarted'],
    ],
    [
      'the server moved',
      treated({ participants: [{ before: server, after: { ...server, node: 'apps-03' } }] }),
      ['treated: server moved from apps-02 to apps-03'],
    ],
    [
      'the server is gone',
      treated({ participants: [{ before: server, after: undefined }] }),
      ['treated: server is gone'],
    ],
  ])('%s', (_, block, reasons) => {
    expect(voidReasons(block)).toEqual(reasons)
  })
})

test('a block of few requests counts for the percentiles that it can tell', () => {
  const few = { measured: 250, asked: 250 }
  const block = { treated: run(250, few), control: run(0, few) }
  expect(voidReasons(block, ['p50', 'p95'])).toEqual([])
  expect(voidReasons(block)).toEqual([
    'treated: 250 requests are too few for a p99: 1000 at least',
    'control: 250 requests are too few for a p99: 1000 at least',
  ])
})

test('a block of which both arms have to pass the treatment counts when both did', () => {
  const both = { treated: good.treated, control: run(2_000) }
  expect(voidReasons(both, ['p50'], ['treated', 'control'])).toEqual([])
  expect(voidReasons(good, ['p50'], ['treated', 'control'])).toEqual([
    'control: only 0 of 2000 requests passed the treatment',
  ])
})

test('ratios and differences are those of the treated arm to the control, block by block', () => {
  expect(ratiosOf([good, good], 'p50')).toEqual([1.5, 1.5])
  expect(differencesOf([good], 'p99')).toEqual([1])
})

test('each arm is first in about half of the blocks, and the seed says in which', () => {
  const firsts = (seed: number) => {
    const random = randomFrom(seed)
    return Array.from({ length: 1_000 }, () => orderOfArms(random)[0])
  }
  expect(firsts(11)).toEqual(firsts(11))
  const treatedFirst = firsts(11).filter((arm) => arm === 'treated').length
  expect(treatedFirst).toBeGreaterThan(450)
  expect(treatedFirst).toBeLessThan(550)
})
