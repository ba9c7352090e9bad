import type { Claim } from './claims.ts'
import { pathText } from './path-text.ts'

/** A claim whose anchor is no longer on one of its lines. `nearest` is where it stands now. */
export type MovedAnchor = { claim: string; quote: string; lines: number[]; nearest: number | undefined }

/** A figure or name whose line is not there, or is empty. */
export type LostLine = { file: string; path: string; line: number }

/** The claims whose quote stands on none of their lines. */
export function movedAnchors(document: readonly string[], claims: readonly Claim[]): MovedAnchor[] {
  return claims
    .filter(({ lines, quote }) => !lines.some((line) => document[line - 1]?.includes(quote)))
    .map(({ id, lines, quote }) => ({ claim: id, quote, lines, nearest: nearestLine(document, quote, lines) }))
}

/** The line that holds a text and is nearest to where it was. */
function nearestLine(document: readonly string[], text: string, lines: readonly number[]): number | undefined {
  const distance = (line: number) => Math.min(...lines.map((known) => Math.abs(known - line)))
  const holding = document.flatMap((content, index) => (content.includes(text) ? [index + 1] : []))
  return holding.toSorted((a, b) => distance(a) - distance(b))[0]
}

/** Every `lines` entry anywhere in the data of a file that names a line which says nothing. */
export const lostLines = (document: readonly string[], file: string, data: unknown): LostLine[] =>
  lineReferences(data, []).flatMap(({ path, line }) =>
    (document[line - 1] ?? '').trim() === '' ? [{ file, path, line }] : [],
  )

/** How many line numbers a file names. */
export const countLines = (data: unknown): number => lineReferences(data, []).length

function lineReferences(data: unknown, path: readonly (string | number)[]): { path: string; line: number }[] {
  if (Array.isArray(data)) return data.flatMap((item: unknown, index) => lineReferences(item, [...path, index]))
  if (typeof data !== 'object' || data === null) return []
  return Object.entries(data).flatMap(([key, value]: [string, unknown]) =>
    key === 'lines' && Array.isArray(value)
      ? value.filter((line) => typeof line === 'number').map((line) => ({ path: pathText(path), line }))
      : lineReferences(value, [...path, key]),
  )
}

export const describeAnchor = ({ claim, quote, lines, nearest }: MovedAnchor): string =>
  `${claim}  "${quote}" was on ${lines.length === 1 ? 'line' : 'one of the lines'} ${lines.join(', ')}, ${nearest === undefined ? 'is nowhere now' : `is on line ${nearest} now`}`

export const describeLine = ({ file, path, line }: LostLine): string =>
  `${file}  ${path}: line ${line} is empty or not there`
