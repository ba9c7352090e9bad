import { XMLParser } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import type { ArmRun } from './blocks.ts'
import { ratioPicture } from './ratio-picture.ts'

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

test('a picture has every block and interval at its place on a log axis', () => {
  const svg = ratioPicture('1 ms <in one arm>', blocks, { p50: interval, p95: interval, p99: interval })
  const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(svg) as {
    svg: { title: string; line: Record<string, string>[]; circle: Record<string, string>[] }
  }
  expect(parsed.svg.title).toBe('1 ms <in one arm>')
  const circles = (kind: string) =>
    parsed.svg.circle.filter((circle) => circle['class'] === kind).map(({ cx }) => Number(cx))
  const [first = 0, second = 0] = circles('block')
  expect(circles('block')).toEqual([first, second, first, second, first, second])
  // 2 is half-way between 1 and 4.
  for (const middle of circles('estimate')) expect(middle).toBeCloseTo((first + second) / 2, 0)
  const bars = parsed.svg.line
    .filter((line) => line['class'] === 'interval')
    .map(({ x1, x2 }) => [Number(x1), Number(x2)])
  expect(bars).toEqual([
    [first, second],
    [first, second],
    [first, second],
  ])
})
