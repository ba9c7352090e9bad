import { describe, expect, test } from 'vitest'
import { mergeLogs, parseK6Log } from './k6-log.ts'

const log = [
  'began 0 1000',
  'sample 0 1500 0',
  'sample 0 2500 1',
  'a warning of k6',
  'began 1 9000',
  'sample 1 400 0',
  'counted 0 2 1 0',
  'counted 1 1 0 3',
  'sent 5',
  '',
]

describe('the log of k6', () => {
  test('holds every measured request of every load, and what was dropped', () => {
    const { loads, sent } = parseK6Log(log.join('\n'), 2)
    expect(sent).toBe(5)
    expect(loads.map(({ latencies, failed, dropped, beganAt }) => [latencies.count, failed, dropped, beganAt])).toEqual(
      [
        [2, 1, 0, 1_000],
        [1, 0, 3, 9_000],
      ],
    )
    expect(loads[0]?.latencies.at(50)).toBeCloseTo(1.5, 2)
  })

  test('of which a line is missing is refused, whichever line it is', () => {
    const without = (lost: string) => log.filter((line) => line !== lost).join('\n')
    expect(() => parseK6Log(without('sample 0 2500 1'), 2)).toThrow('k6 counted 2 requests of load 0, its log holds 1')
    expect(() => parseK6Log(without('counted 1 1 0 3'), 2)).toThrow('k6 did not say how many requests of load 1 it')
    expect(() => parseK6Log(without('sent 5'), 2)).toThrow(/^k6 wrote no summary; its last lines: .*a warning of k6/)
    expect(() => parseK6Log(without('sample 1 400 0'), 2)).toThrow('k6 counted 1 requests of load 1, its log holds 0')
    expect(() => parseK6Log('', 1)).toThrow('k6 wrote no summary; its last lines: none')
  })

  test('of a k6 that ended itself may hold requests that it counted no more', () => {
    const ended = log.map((line) => (line === 'counted 0 2 1 0' ? 'counted 0 1 0 0' : line)).join('\n')
    const [load] = parseK6Log(ended, 2).loads
    expect([load?.latencies.count, load?.failed]).toEqual([2, 1])
  })

  test('of a load that nobody asked for is refused', () => {
    expect(() => parseK6Log(log.join('\n'), 1)).toThrow('k6 wrote of load 1, and was asked for 1')
  })
})

describe('logs of several k6', () => {
  const share = (beganAt: number, us: readonly number[]) =>
    parseK6Log(
      [
        `began 0 ${beganAt}`,
        ...us.map((one) => `sample 0 ${one} 0`),
        `counted 0 ${us.length} 0 1`,
        `sent ${us.length + 2}`,
      ].join('\n'),
      1,
    )

  test('are one load: its percentiles are those of all requests, not of percentiles', () => {
    const quick = Array.from({ length: 90 }, () => 1_000)
    const slow = Array.from({ length: 10 }, () => 50_000)
    const { loads, sent } = mergeLogs([share(1_000, quick), share(1_200, slow)])
    const [load] = loads
    expect(load?.latencies.count).toBe(100)
    expect([load?.latencies.at(50), load?.latencies.at(95)].map((ms) => Math.round(ms ?? 0))).toEqual([1, 50])
    expect([load?.dropped, load?.beganAt, load?.lastBeganAt, sent]).toEqual([2, 1_000, 1_200, 104])
  })

  test('of which one did not begin are a load that did not begin', () => {
    const silent = parseK6Log('counted 0 0 0 0\nsent 0', 1)
    expect(mergeLogs([share(1_000, [1]), silent]).loads[0]?.beganAt).toBeUndefined()
  })
})
