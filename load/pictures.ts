import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Arm, Block } from './blocks.ts'
import { arms, ratiosOf } from './blocks.ts'
import type { Interval } from './interval.ts'
import type { Latencies, Percentile } from './latencies.ts'
import { percentiles } from './latencies.ts'
import { overheads } from './verdict.ts'

const colours: Record<Arm, string> = { treated: '#c2571a', control: '#2f6690' }
const colourOf: Record<Percentile, string> = { p50: '#2f6690', p95: '#7a5195', p99: '#c2571a' }
const width = 720
const grey = '#666'

/** Plot as a file of its own: with a background, a heading, and a title for who cannot see it. */
function svgOf(title: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const plot = Plot.plot({
    width,
    marginTop: 60,
    style: { background: '#fff', fontFamily: 'sans-serif', fontSize: '12px' },
    ...options,
    ariaLabel: title,
    marks: [
      ...(options.marks ?? []),
      Plot.text([title], {
        frameAnchor: 'top-left',
        facet: 'super',
        dx: 8 - (options.marginLeft ?? 40),
        dy: -48,
        fontWeight: 'bold',
        fontSize: 13,
      }),
    ],
    document,
  })
  plot.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  return `${plot.outerHTML}\n`
}

/** What a reader calls the two arms. */
export type ArmNames = Record<Arm, string>
export const meshArms: ArmNames = { treated: 'with the mesh', control: 'without it' }

const steps = 400

/** Which share of the requests was answered after which time, in both arms, on a log axis. */
export function distributionPicture(title: string, merged: Record<Arm, Latencies>, names: ArmNames = meshArms): string {
  const points = arms.flatMap((arm) =>
    Array.from({ length: steps }, (_, index) => {
      const percent = ((index + 0.5) / steps) * 100
      return { arm, percent, ms: merged[arm].at(percent) }
    }),
  )
  const labels = arms.map((arm, index) => ({ arm, ms: merged[arm].at(50), percent: 96 - 7 * index, text: names[arm] }))
  return svgOf(title, {
    height: 380,
    marginLeft: 56,
    marginBottom: 44,
    x: { type: 'log', label: 'answered within (ms)', grid: true, tickFormat: (ms: number) => String(ms), ticks: 6 },
    y: { label: 'share of requests (%)', labelAnchor: 'center', domain: [0, 100], grid: true },
    marks: [
      ...arms.map((arm) =>
        Plot.line(
          points.filter((point) => point.arm === arm),
          { x: 'ms', y: 'percent', stroke: colours[arm], strokeWidth: 2, curve: 'step-after' },
        ),
      ),
      ...labels.map(({ arm, text }, index) =>
        Plot.text([text], {
          frameAnchor: 'bottom-right',
          dx: -10,
          dy: -28 + 18 * index,
          fill: colours[arm],
          fontWeight: 'bold',
        }),
      ),
    ],
  })
}

const limits = [
  { ratio: 1 + overheads.documented, text: 'documented' },
  { ratio: 1 + overheads.study, text: 'study' },
]

const ratioFormat = (ratio: number) => String(Number(ratio.toFixed(2)))

/** The ratio of every block as a dot, and the interval of all of them as a bar, percentile by percentile. */
export function ratioPicture(
  title: string,
  blocks: readonly Block[],
  intervals: Partial<Record<Percentile, Interval>>,
): string {
  const shown = percentiles.filter((percentile) => intervals[percentile])
  const dots = shown.flatMap((percentile) => ratiosOf(blocks, percentile).map((ratio) => ({ percentile, ratio })))
  const bars = shown.flatMap((percentile) => {
    const interval = intervals[percentile]
    return interval ? [{ percentile, ...interval }] : []
  })
  return svgOf(title, {
    height: 84 + 70 * Math.max(1, shown.length),
    marginLeft: 48,
    marginBottom: 44,
    x: { type: 'log', label: 'ratio of the latencies', grid: true, tickFormat: ratioFormat },
    fy: { label: null, domain: shown },
    marks: [
      Plot.ruleX([1], { stroke: grey }),
      Plot.ruleX(limits, { x: 'ratio', stroke: grey, strokeDasharray: '3,3' }),
      Plot.text(limits, { x: 'ratio', fy: () => shown[0], text: 'text', frameAnchor: 'top', dy: -10, fill: grey }),
      Plot.dot(dots, { x: 'ratio', fy: 'percentile', r: 4, fill: colours.treated, fillOpacity: 0.65, dy: -10 }),
      Plot.ruleY(bars, {
        y: null,
        x1: 'lower',
        x2: 'upper',
        fy: 'percentile',
        stroke: colours.control,
        strokeWidth: 4,
        dy: 10,
      }),
      Plot.dot(bars, { x: 'estimate', fy: 'percentile', r: 6, fill: colours.control, dy: 10 }),
    ],
  })
}

export type RateInterval = { rate: number; percentile: Percentile } & Interval

/** The ratio at each rate, with its interval. */
export function ratesPicture(title: string, all: readonly RateInterval[]): string {
  const shift = (percentile: Percentile) => (percentiles.indexOf(percentile) - 1) * 12
  return svgOf(title, {
    height: 360,
    marginLeft: 56,
    marginBottom: 44,
    x: { type: 'point', label: 'requests per second', domain: [...new Set(all.map(({ rate }) => rate))] },
    y: { type: 'log', label: 'ratio of the latencies', labelAnchor: 'center', grid: true, tickFormat: ratioFormat },
    marks: [
      Plot.ruleY([1], { stroke: grey }),
      Plot.ruleY(limits, { y: 'ratio', stroke: grey, strokeDasharray: '3,3' }),
      Plot.text(limits, {
        y: 'ratio',
        text: 'text',
        frameAnchor: 'right',
        dy: -7,
        dx: -4,
        textAnchor: 'end',
        fill: grey,
      }),
      ...percentiles.flatMap((percentile, index) => {
        const own = all.filter((one) => one.percentile === percentile)
        const style = { x: 'rate', dx: shift(percentile) }
        return [
          Plot.ruleX(own, { ...style, y1: 'lower', y2: 'upper', stroke: colourOf[percentile], strokeWidth: 3 }),
          Plot.dot(own, { ...style, y: 'estimate', r: 5, fill: colourOf[percentile] }),
          Plot.text([percentile], {
            frameAnchor: 'top-right',
            dx: -36 * (2 - index),
            dy: -16,
            fill: colourOf[percentile],
            fontWeight: 'bold',
          }),
        ]
      }),
    ],
  })
}
