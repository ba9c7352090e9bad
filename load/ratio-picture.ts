import type { Block } from './blocks.ts'
import { ratiosOf } from './blocks.ts'
import type { Interval } from './interval.ts'
import type { Percentile } from './latencies.ts'
import { percentiles } from './latencies.ts'

const width = 640
const left = 70
const right = 30
const rowHeight = 64
const top = 24
const bottom = 34
const candidates = [0.1, 0.2, 0.5, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100]

/** An SVG with the ratio of each block as a dot and the interval of all as a bar, one row per percentile, on a log axis. */
export function ratioPicture(title: string, blocks: readonly Block[], intervals: Record<Percentile, Interval>): string {
  const rows = percentiles.map((percentile) => ({
    percentile,
    ratios: ratiosOf(blocks, percentile),
    interval: intervals[percentile],
  }))
  const shown = [1, ...rows.flatMap(({ ratios, interval }) => [...ratios, interval.lower, interval.upper])]
  const [lowest, highest] = [Math.log(Math.min(...shown) / 1.1), Math.log(Math.max(...shown) * 1.1)]
  const x = (ratio: number) =>
    (left + ((Math.log(ratio) - lowest) / (highest - lowest)) * (width - left - right)).toFixed(1)
  const end = top + rows.length * rowHeight
  const ticks = candidates.filter((ratio) => Math.log(ratio) >= lowest && Math.log(ratio) <= highest)
  const height = end + bottom
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#444">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="16" font-weight="bold">${escaped(title)}</text>`,
    ...ticks.map(
      (ratio) =>
        `<line class="tick" x1="${x(ratio)}" x2="${x(ratio)}" y1="${top}" y2="${end}" stroke="${ratio === 1 ? '#444' : '#ddd'}"/><text x="${x(ratio)}" y="${end + 16}" text-anchor="middle">${ratio}</text>`,
    ),
    ...rows.flatMap(({ percentile, ratios, interval }, index) => {
      const y = top + (index + 0.5) * rowHeight
      return [
        `<text x="8" y="${y + 4}">${percentile}</text>`,
        `<line class="interval" x1="${x(interval.lower)}" x2="${x(interval.upper)}" y1="${y + 10}" y2="${y + 10}" stroke="#3b6ea5" stroke-width="4"/>`,
        `<circle class="estimate" cx="${x(interval.estimate)}" cy="${y + 10}" r="5" fill="#3b6ea5"/>`,
        ...ratios.map(
          (ratio) => `<circle class="block" cx="${x(ratio)}" cy="${y - 8}" r="3.5" fill="#c46a1b" fill-opacity="0.7"/>`,
        ),
      ]
    }),
    '</svg>',
    '',
  ].join('\n')
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
