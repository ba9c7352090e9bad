import type { Deviation, Result } from './result.ts'

/** What the failure block has to know of the claim beside the result. */
export type ClaimOfBlock = {
  id: string
  lines: readonly number[]
  quote: string
  dispute?: { id: string; says: string; but: string } | undefined
}

/** Names the kubeconfig contexts to look with; without it a context is called like its cluster. */
export type BlockView = { contexts?: Partial<Record<Result['cluster'], string>>; width?: number }

const namesShown = 5
const label = (name: string) => `  ${name.padEnd(11)}`
const indent = ' '.repeat(label('').length)

/**
 * The one text for a result that needs attention, so written that it can be pasted into a chat or an issue as it stands.
 * Plain text; the first line is the headline, every further one a label and its value.
 */
export function failureBlock(result: Result, claim: ClaimOfBlock, view: BlockView = {}): string {
  const { width = 100 } = view
  return [
    headline(result.outcome.toUpperCase(), claim.id, result.fact, placeOf(result.cluster), width),
    field('document', documentOf(claim), width),
    ...(claim.dispute && result.outcome === 'disputed' ? [field('but', claim.dispute.but, width)] : []),
    ...neededOf(result, width),
    ...foundOf(result, width),
    ...result.figures.map((figure) => field('figure', figureOf(figure), width)),
    ...lookOf(result, view),
    ...(result.evidence === undefined ? [] : [label('evidence') + result.evidence]),
  ].join('\n')
}

/** `DEVIATES  NET-08  the fact   apps`, with the place at the right edge as long as there is room. */
export function headline(word: string, id: string, fact: string, place: string, width = 100): string {
  const [first = '', ...rest] = wrap(fact, width - word.length - id.length - place.length - 7)
  const left = `${word}  ${id}  ${first}`
  const margin = ' '.repeat(word.length + id.length + 4)
  return [`${left.padEnd(width - place.length)}${place}`, ...rest.map((line) => margin + line)].join('\n')
}

/** A label and a value that is broken into lines of at most `width`; words are never cut. */
export function field(name: string, value: string, width = 100): string {
  return label(name) + wrap(value, width - indent.length).join(`\n${indent}`)
}

const placeOf = (cluster: Result['cluster']) => (cluster === 'across' ? 'infra, apps' : cluster)

/** `line 46: "LoadBalancer: .150-.199"`, or what the document says where it is disputed. */
export function documentOf({ lines, quote }: ClaimOfBlock): string {
  const where = `${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}`
  return quote === '' ? where : `${where}: "${quote}"`
}

function neededOf(result: Result, width: number): string[] {
  const count = `at least ${result.needed} ${result.population}`
  const because = result.neededBecause === undefined ? '' : ` (${result.neededBecause})`
  if (result.expected === '') return [field('needed', `${count}${because}`, width)]
  return [field('needed', `${result.expected}, for each of ${count}${because}`, width)]
}

function foundOf(result: Result, width: number): string[] {
  const { deviations, lookedAt, population } = result
  const [only, ...others] = deviations
  if (!only) return [field('found', result.reason, width)]
  const count = deviations.length > lookedAt ? `${deviations.length}` : `${deviations.length} of ${lookedAt}`
  if (others.length === 0) return [field('found', `${count} ${population}: ${deviationOf(only, result)}`, width)]
  const shown = deviations.slice(0, namesShown)
  const more = deviations.length - shown.length
  return [
    field('found', `${count} ${population}:`, width),
    ...shown.map((deviation) => field('', deviationOf(deviation, result), width)),
    ...(more > 0 ? [field('', `and ${more} more`, width)] : []),
  ]
}

const deviationOf = ({ cluster, subject, found }: Deviation, result: Result) =>
  `${result.cluster === 'across' ? `${cluster}: ` : ''}${subject} ${found}`

/** `usable space: documented 3 TB, observed 0.98 TB` */
export function figureOf({ name, unit, documented, observed }: Result['figures'][number]): string {
  const withUnit = (value: number | string) => `${value}${unit && ` ${unit}`}`
  return `${name}: documented ${withUnit(documented)}, observed ${withUnit(observed)}`
}

/** One command is enough: the others differ in the name only. It is never broken, so that it can be copied. */
function lookOf({ deviations }: Result, { contexts }: BlockView): string[] {
  const deviation = deviations.find(({ look }) => look !== undefined)
  if (deviation?.look === undefined) return []
  const { look, cluster } = deviation
  return [
    label('look') +
      (look.startsWith('kubectl ') ? look : `kubectl --context ${contexts?.[cluster] ?? cluster} ${look}`),
  ]
}

/** Breaks at blanks into lines of at most `width` characters, keeps line breaks, never cuts a word. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const lines = ['']
    for (const word of line.split(' ')) {
      const last = lines.at(-1) ?? ''
      if (last === '') lines[lines.length - 1] = word
      else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
      else lines.push(word)
    }
    return lines
  })
}
