import { XMLParser } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import type { ArmRun } from './blocks.ts'
import { Latencies } from './latencies.ts'
import { distributionPicture, ratesPicture, ratioPicture } from './pictures.ts'

type Element = Record<string, unknown>

function parsed(svg: string): Element {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' })
  return (parser.parse(svg, true) as { svg: Element }).svg
}

/** All elements of a name, wherever they are. */
function all(name: string, within: unknown): Element[] {
  if (Array.isArray(within)) return within.flatMap((one) => all(name, one))
  if (typeof within !== 'object' || within === null) return []
  return Object.entries(within).flatMap(([key, value]) =>
    key === name ? ((Array.isArray(value) ? value : [value]) as Element[]) : all(name, value),
  )
}

const arm = (p50: number): ArmRun => ({
  asked: 1_000,
  measured: 1_000,
  failed: 0,
  dropped: 0,
  treated: 0,
  participants: [],
  percentiles: { p50, p95: 2 * p50, p99: 4 * p50 },
})
const interval = { estimate: 2, lower: 1, upper: 4 }
const blocks = [
  { treated: arm(1), control: arm(1) },
  { treated: arm(4), control: arm(1) },
]

test('every block and the interval are at their places on a log axis', () => {
  const svg = parsed(ratioPicture('1 ms <in one arm>', blocks, { p50: interval }))
  expect(svg['aria-label']).toBe('1 ms <in one arm>')
  const [first = 0, second = 0, middle = 0] = all('circle', svg).map(({ cx }) => Number(cx))
  expect(first).toBeLessThan(second)
  // 2 is half-way between 1 and 4.
  expect(middle).toBeCloseTo((first + second) / 2)
  const bars = all('line', svg).map(({ x1, x2 }) => [Number(x1), Number(x2)])
  expect(bars).toContainEqual([first, second])
})

test('percentiles without an interval have no row', () => {
  const three = ratioPicture('three', blocks, { p50: interval, p95: interval, p99: interval })
  const one = ratioPicture('one', blocks, { p50: interval })
  expect([three, one].map((svg) => all('circle', parsed(svg)).length)).toEqual([9, 3])
})

test('the distribution has a line for each arm, that of the slower one further to the right', () => {
  const of = (ms: number) => {
    const latencies = new Latencies()
    for (let request = 1; request <= 100; request += 1) latencies.record(ms * request)
    return latencies
  }
  const svg = distributionPicture('Latency', { treated: of(2), control: of(1) })
  const starts = [...svg.matchAll(/ d="M([\d.]+),/g)].map(([, x]) => Number(x)).slice(-2)
  expect(starts).toHaveLength(2)
  expect(starts[0]).toBeGreaterThan(starts[1] ?? Number.NaN)
})

test('each rate has its interval for each percentile', () => {
  const rates = [320, 1_600].flatMap((rate) => [
    { rate, percentile: 'p50' as const, ...interval },
    { rate, percentile: 'p99' as const, ...interval },
  ])
  const svg = parsed(ratesPicture('Overhead by rate', rates))
  expect(all('circle', svg)).toHaveLength(4)
  expect(all('text', svg).map((text) => text['#text'])).toEqual(expect.arrayContaining([320, '1,600', 'p50', 'p99']))
})
