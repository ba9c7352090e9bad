import { documentOf, failureBlock } from '../check/failure-block.ts'
import { outcomes } from '../check/outcome.ts'
import { chaptersOf } from './chapters.ts'
import { contextsOf, resultsWith } from './console.ts'
import { documentName, verdictSentence } from './report.ts'
import type { Report, ReportedClaim } from './report.ts'
import { setupFailureBlock } from './setup-failure-block.ts'

/** A job summary is cut by GitHub at 1 MiB, a reader gives up before. */
const blocksShown = 20

/** The job summary, in Markdown: the verdict, what needs a person, what is merely known, the chapters. */
export function summaryText(report: Report): string {
  return `${[
    `## ${report.setupFailure ? 'No verdict: the run failed in set-up' : verdictSentence(report)}`,
    origin(report),
    ...(report.setupFailure ? [fenced(setupFailureBlock(report.setupFailure))] : []),
    ...attention(report),
    ...disputed(report),
    ...known(report, 'waived', 'Waived'),
    chapterTable(report),
    ...notJudged(report),
  ].join('\n\n')}\n`
}

function origin({ tool, document, target, targetSentence, clusters, filter, readOnly }: Report): string {
  const places = (['infra', 'apps'] as const).map((name) => {
    const cluster = clusters[name]
    return cluster ? `${name} ${cluster.version} (kube-system ${cluster.uid.slice(0, 8)})` : `${name} not reached`
  })
  const limits = [
    ...(readOnly ? ['read-only'] : []),
    ...(filter ? [`only ${[...filter.chapters, ...filter.claims].join(', ')}`] : []),
  ]
  return [
    `${documentName(document)}, judged by ${tool.name} ${tool.version} on ${places.join(' and ')}.`,
    `Target ${target}: ${targetSentence}${limits.length > 0 ? `; ${limits.join(', ')}` : ''}.`,
  ].join(' ')
}

function attention(report: Report): string[] {
  const all = (['deviates', 'inconclusive'] as const).flatMap((outcome) => resultsWith(report, outcome))
  const blocks = all
    .slice(0, blocksShown)
    .map(({ result, claim }) => fenced(failureBlock(result, claim, { contexts: contextsOf(report) })))
  const more = all.length - blocks.length
  return more > 0 ? [...blocks, `and ${more} more: they are in the reports of this run.`] : blocks
}

function disputed({ claims }: Report): string[] {
  const lines = claims
    .filter(({ outcome }) => outcome === 'disputed')
    .map((claim) =>
      claim.dispute ? item(claim, `${claim.dispute.says} **But** ${claim.dispute.but}`) : item(claim, claim.reason),
    )
  return lines.length === 0 ? [] : [`### Disputed: the document contradicts itself or the software`, lines.join('\n')]
}

function known({ claims }: Report, outcome: 'waived', title: string): string[] {
  const lines = claims.filter((claim) => claim.outcome === outcome).map((claim) => item(claim, claim.reason))
  return lines.length === 0 ? [] : [`### ${title}`, lines.join('\n')]
}

const item = ({ id, lines }: ReportedClaim, says: string) =>
  `- **${id}** (${documentOf({ id, lines, quote: '' })}) ${oneLine(says)}`

function chapterTable(report: Report): string {
  const shown = outcomes.filter((outcome) => report.counts[outcome] > 0)
  return [
    row(['chapter', 'claims', ...shown]),
    row(['---', ...['claims', ...shown].map(() => '---:')]),
    ...chaptersOf(report).map(({ chapter, claims, counts }) =>
      row([
        chapter,
        String(claims.length),
        ...shown.map((outcome) => (counts[outcome] ? String(counts[outcome]) : '')),
      ]),
    ),
  ].join('\n')
}

const row = (cells: string[]) => `| ${cells.join(' | ')} |`

/** Folded: complete, but not in the way. */
function notJudged({ claims }: Report): string[] {
  const silent = claims.filter(({ outcome }) => outcome === 'unsupported' || outcome === 'planned')
  if (silent.length === 0) return []
  const lines = silent.map((claim) => item(claim, `${claim.outcome}: ${claim.reason}`)).join('\n')
  return [`<details><summary>${silent.length} planned or unsupported</summary>\n\n${lines}\n\n</details>`]
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()

/** The fence is longer than any in the text, so that nothing can break out of it. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}`
}
