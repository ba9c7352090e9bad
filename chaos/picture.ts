import type { Range } from './clocks/attempts.ts'
import type { JudgedRun } from './judge-run.ts'
import type { Run } from './run-record.ts'

const width = 760
const left = 110
const right = 20
const rowHeight = 40
const top = 66
const bottom = 40
const ticks = 8

/** A time line of a run as SVG: one row per journey with its failures and outages, and the clocks as marks above. */
export function runPicture(run: Run, { outages, clocks, judged }: JudgedRun): string {
  const origin = run.inject?.lower ?? 0
  const times = run.journeys.flatMap(({ log }) => log.map(({ sentAt }) => sentAt - origin))
  const [first, last] = times.length === 0 ? [0, 1_000] : [least(times), greatest(times)]
  const x = (ms: number) => (left + ((ms - first) / Math.max(1, last - first)) * (width - left - right)).toFixed(1)
  const phases = run.rebuilt?.phases ?? []
  const end = top + (run.journeys.length + (phases.length > 0 ? 1 : 0)) * rowHeight
  const height = end + bottom
  const title = `${run.scenario.id}: ${run.scenario.what}`
  const verdicts = judged.map(({ verdict }) => verdict.kind).join(', ')
  const mark = (name: string, range: Range | undefined) =>
    range === undefined
      ? []
      : [
          `<line class="clock" x1="${x(range.upper)}" x2="${x(range.upper)}" y1="${top - 12}" y2="${end}" stroke="#3b6ea5" stroke-dasharray="3 3"/><text x="${x(range.upper)}" y="${top - 16}" text-anchor="middle" font-size="10">${name}</text>`,
        ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#444">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="16" font-weight="bold">${escaped(run.scenario.id)}</text><text x="8" y="32" font-size="11">${escaped(run.scenario.what)}</text><text x="${width - right}" y="16" text-anchor="end">${escaped(verdicts)}${run.simulated ? ' (simulated: on the pair)' : ''}</text>`,
    ...Array.from({ length: ticks + 1 }, (_, index) => first + ((last - first) / ticks) * index).map(
      (ms) =>
        `<line x1="${x(ms)}" x2="${x(ms)}" y1="${top}" y2="${end}" stroke="#eee"/><text x="${x(ms)}" y="${end + 16}" text-anchor="middle" font-size="10">${(ms / 1_000).toFixed(0)} s</text>`,
    ),
    `<line x1="${x(0)}" x2="${x(0)}" y1="${top - 12}" y2="${end}" stroke="#a33"/><text x="${x(0)}" y="${top - 16}" text-anchor="middle" font-size="10" fill="#a33">fault</text>`,
    ...mark('detect', clocks.detect),
    ...mark('serve', clocks.serve),
    ...mark('redundant', clocks.redundant),
    ...run.journeys.flatMap(({ id, log }, index) => {
      const y = top + (index + 0.5) * rowHeight
      const seen = outages.find(({ journey }) => journey === id)?.seen.outages ?? []
      return [
        `<text x="8" y="${y + 4}">${escaped(id)}</text><line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#7a7" stroke-width="3"/>`,
        ...seen.map(({ start, end: over }) => {
          const from = Math.max(first, start.upper - origin)
          const to = Math.min(last, (over?.lower ?? Infinity) - origin)
          return `<rect class="outage" x="${x(from)}" y="${y - 7}" width="${Math.max(1, Number(x(to)) - Number(x(from))).toFixed(1)}" height="14" fill="#c46a1b" fill-opacity="0.6"/>`
        }),
        ...log
          .filter(({ ok }) => !ok)
          .map(
            ({ sentAt }) =>
              `<line x1="${x(sentAt - origin)}" x2="${x(sentAt - origin)}" y1="${y + 8}" y2="${y + 14}" stroke="#a33"/>`,
          ),
      ]
    }),
    ...phases.map(({ id, began, ended }, index) => {
      const y = top + (run.journeys.length + 0.5) * rowHeight
      const [from, to] = [Math.max(first, began - origin), Math.min(last, (ended?.upper ?? Infinity) - origin)]
      const wide = Math.max(1, Number(x(to)) - Number(x(from)))
      const name =
        wide > id.length * 6
          ? `<text x="${x((from + to) / 2)}" y="${y + 4}" text-anchor="middle" font-size="10">${id}</text>`
          : ''
      return `<rect class="phase" x="${x(from)}" y="${y - 8}" width="${wide.toFixed(1)}" height="16" fill="${index % 2 === 0 ? '#dfe7f1' : '#c9d8e8'}"><title>${id}</title></rect>${name}`
    }),
    ...(phases.length > 0
      ? [`<text x="8" y="${top + (run.journeys.length + 0.5) * rowHeight + 4}">phases</text>`]
      : []),
    '</svg>',
    '',
  ].join('\n')
}

// A log is too long to be spread into arguments.
const least = (all: readonly number[]) => all.reduce((a, b) => Math.min(a, b))
const greatest = (all: readonly number[]) => all.reduce((a, b) => Math.max(a, b))

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
