import pc from 'picocolors'
import { field, failureBlock, headline, documentOf, figureOf, wrap } from '../check/failure-block.ts'
import { outcomes, type Outcome } from '../check/outcome.ts'
import type { Result } from '../check/result.ts'
import { chaptersOf } from './chapters.ts'
import { documentName } from './report.ts'
import type { Report, ReportedClaim } from './report.ts'
import { setupFailureBlock } from './setup-failure-block.ts'

export type ConsoleOptions = {
  /** Colours only help; everything is said in words. Default: what the terminal and NO_COLOR say. */
  colors?: boolean
  width?: number
  /** Paths that are printed at the end, as the reader can open them. */
  paths?: string[]
}

type Paint = (text: string) => string

/** The terminal view of a report: first what needs a person, then what is merely known. Ends with a line break. */
export function consoleView(report: Report, { colors, width = 100, paths = [] }: ConsoleOptions = {}): string {
  const paint = painter(pc.createColors(colors ?? pc.isColorSupported))
  const sections = [
    header(report, width),
    setupFailed(report, width, paint.deviates),
    isWithoutResults(report) ? '' : chapterLines(report, paint),
    ...attention(report, ['deviates', 'inconclusive'], width, paint),
    ...disputes(report, width, paint.disputed),
    notes(report, width),
    partly(report, width),
    known(report, width),
    [
      totals(report, width),
      ...needsAttention(report, width),
      ...slowest(report, width),
      ...(paths.length > 0 ? [`  ${paths.join('   ')}`] : []),
    ].join('\n'),
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

function painter(colors: ReturnType<typeof pc.createColors>): Record<Outcome, Paint> {
  return {
    conforms: colors.green,
    deviates: colors.red,
    inconclusive: colors.yellow,
    disputed: colors.magenta,
    planned: colors.cyan,
    unsupported: colors.dim,
    waived: colors.blue,
  }
}

function header(
  { tool, document, target, simulated, targetSentence, programs, readOnly, filter, clusters }: Report,
  width: number,
): string {
  const contextWidth = Math.max(...[clusters.infra, clusters.apps].map((cluster) => cluster?.context.length ?? 0))
  const kind = `target: ${target}${simulated ? ' (simulated)' : ''}${readOnly ? ', read-only' : ''}`
  return [
    `${tool.name} ${tool.version}   document ${documentName(document)}, ${document.date}   ${kind}`,
    ...wrap(targetSentence, width - 2).map((line) => `  ${line}`),
    ...(programs ? wrap(programsLine(programs), width - 2).map((line) => `  ${line}`) : []),
    ...(filter ? [`  only ${[...filter.chapters, ...filter.claims].join(', ')}`] : []),
    ...(['infra', 'apps'] as const).map((name) => `  ${name.padEnd(6)} ${clusterLine(clusters[name], contextWidth)}`),
  ].join('\n')
}

/** Which is which, `conformance.json` has. */
function programsLine({ real, standIns, replaced }: NonNullable<Report['programs']>): string {
  const own = replaced.length === 0 ? '' : `; replaced by yours: ${replaced.join(', ')}`
  return `${real.length} programs on it are real, ${standIns.length} are played by stand-ins${own}`
}

function clusterLine(cluster: Report['clusters']['infra'], contextWidth: number): string {
  if (!cluster) return 'not reached'
  const { uid, version, nodes, pods, context } = cluster
  return `context ${context.padEnd(contextWidth)}   kube-system ${uid.slice(0, 8)}   ${version}   ${nodes} nodes   ${String(pods).padStart(4)} pods`
}

function setupFailed({ setupFailure }: Report, width: number, paint: Paint): string {
  return setupFailure ? paintHead(setupFailureBlock(setupFailure, width), paint) : ''
}

/** `network         9/11   1 deviates   1 disputed` */
function chapterLines(report: Report, paint: Record<Outcome, Paint>): string {
  return chaptersOf(report)
    .map(({ chapter, claims, counts }) => {
      const held = `${counts.conforms}/${claims.length}`.padStart(7)
      const others = outcomes
        .toReversed()
        .filter((outcome) => outcome !== 'conforms' && counts[outcome] > 0)
        .map((outcome) => `   ${paint[outcome](`${counts[outcome]} ${outcome}`)}`)
      return `  ${chapter.padEnd(14)}${held}${others.join('')}`
    })
    .join('\n')
}

/** One failure block for every result with one of these outcomes, the worst first. */
function attention(report: Report, wanted: Outcome[], width: number, paint: Record<Outcome, Paint>): string[] {
  return wanted.flatMap((outcome) =>
    resultsWith(report, outcome).map(({ result, claim }) =>
      paintHead(failureBlock(result, claim, { contexts: contextsOf(report), width }), paint[outcome]),
    ),
  )
}

/** Claims that conform as far as they were looked at, with the ways that nobody has looked yet. */
function partly({ claims }: Report, width: number): string {
  const open = claims.filter(({ outcome, methods }) => outcome === 'conforms' && methods.open.length > 0)
  if (open.length === 0) return ''
  const ways = [...new Set(open.flatMap(({ methods }) => methods.open))].toSorted().join(', ')
  const ids = open.map(({ id }) => id).join(', ')
  const line = `PARTLY    ${open.length} of the claims that conform were judged in part, not by ${ways} yet: ${ids}`
  return wrapHanging(line, width).join('\n')
}

/** The kubeconfig contexts of the clusters that were reached. */
export function contextsOf({ clusters }: Report): Partial<Record<Result['cluster'], string>> {
  return {
    ...(clusters.infra ? { infra: clusters.infra.context } : {}),
    ...(clusters.apps ? { apps: clusters.apps.context } : {}),
  }
}

export function resultsWith(report: Report, outcome: Outcome): { result: Result; claim: ReportedClaim }[] {
  return report.claims.flatMap((claim) =>
    claim.results.filter((result) => result.outcome === outcome).map((result) => ({ result, claim })),
  )
}

/** Disputes are known: both clusters share a block, the document's sentence stands beside what contradicts it. */
function disputes(report: Report, width: number, paint: Paint): string[] {
  const byCheck = Map.groupBy(resultsWith(report, 'disputed'), ({ result }) => result.check)
  return [...byCheck.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const { claim, result } = first
    const place = group
      .map((each) => (each.result.cluster === 'across' ? 'infra, apps' : each.result.cluster))
      .join(', ')
    const block = [
      headline('DISPUTED', claim.id, result.fact, place, width),
      field(
        'document',
        claim.dispute ? `${documentOf({ ...claim, quote: '' })}: ${claim.dispute.says}` : documentOf(claim),
        width,
      ),
      ...(claim.dispute ? [field('but', claim.dispute.but, width)] : []),
      ...group.flatMap((each) => observed(each.result).map((text) => field('observed', text, width))),
    ].join('\n')
    return [paintHead(block, paint)]
  })
}

function observed({ cluster, figures, deviations, reason }: Result): string[] {
  if (figures.length > 0) return figures.map((figure) => `${cluster}: ${figureOf(figure)}`)
  const [first, ...others] = deviations
  if (!first) return [`${cluster}: ${reason}`]
  return [`${cluster}: ${first.subject} ${first.found}${others.length > 0 ? `, and ${others.length} more` : ''}`]
}

/** Expired waivers, and planned claims that conform before their time: one line each. */
function notes(report: Report, width: number): string {
  const expired = report.claims.flatMap(({ id, waiver }) =>
    waiver?.expired
      ? [`EXPIRED   ${id}  the waiver of ${waiver.owner} ended on ${waiver.until} and counts as none`]
      : [],
  )
  const early = report.claims.flatMap((claim) =>
    claim.outcome === 'planned' &&
    claim.results.length > 0 &&
    claim.results.every(({ judgedAs }) => judgedAs === 'conforms')
      ? [`EARLY     ${claim.id}  conforms already, though it belongs to phase ${claim.phase}`]
      : [],
  )
  return [...expired, ...early].flatMap((line) => wrapHanging(line, width)).join('\n')
}

/** What is merely known: waivers with their reason; planned and unsupported claims as one line for each reason. */
function known(report: Report, width: number): string {
  const waived = report.claims
    .filter(({ outcome }) => outcome === 'waived')
    .map(({ id, reason }) => `WAIVED    ${id}  ${reason}`)
  const planned = report.claims.filter(({ outcome }) => outcome === 'planned')
  const phases = [...Map.groupBy(planned, ({ phase }) => phase)].toSorted(([a], [b]) => a - b)
  return [
    ...waived,
    ...phases.map(([phase, claims]) => `PLANNED   ${idsOf(claims)}: for phase ${phase}`),
    ...unsupported(report),
  ]
    .flatMap((line) => wrapHanging(line, width))
    .join('\n')
}

/** The most frequent reasons first; without any result there is one reason for all of them, which was said above. */
function unsupported(report: Report): string[] {
  if (isWithoutResults(report)) return []
  const silent = report.claims.filter(({ outcome }) => outcome === 'unsupported')
  const byReason = [...Map.groupBy(silent, ({ reason }) => reason)].toSorted(([, a], [, b]) => b.length - a.length)
  const shown = byReason.slice(0, reasonsShown)
  const rest = byReason.slice(reasonsShown).flatMap(([, claims]) => claims)
  return [
    ...shown.map(([reason, claims]) => `UNSUPPORTED  ${idsOf(claims)}: ${reason}`),
    ...(rest.length > 0 ? [`UNSUPPORTED  ${idsOf(rest)}: for other reasons, see the report`] : []),
  ]
}

const reasonsShown = 5

function idsOf(claims: readonly ReportedClaim[]): string {
  const ids = claims.slice(0, 5).map(({ id }) => id)
  return `${ids.join(', ')}${claims.length > ids.length ? ` and ${claims.length - ids.length} more` : ''}`
}

const isWithoutResults = ({ setupFailure, claims }: Report) =>
  setupFailure !== undefined && claims.every(({ results }) => results.length === 0)

/** Said again at the end, where the terminal stands when the blocks have scrolled away. */
function needsAttention(report: Report, width: number): string[] {
  const all = (['deviates', 'inconclusive'] as const).flatMap((outcome) => resultsWith(report, outcome))
  if (all.length === 0) return []
  const shown = all.slice(0, 10).map(({ result }) => `${result.claim} ${result.cluster}`)
  const more = all.length > shown.length ? ` and ${all.length - shown.length} more` : ''
  return hanging(`needs attention ${shown.join(', ')}${more}`, width)
}

function wrapHanging(text: string, width: number): string[] {
  const [first = '', ...rest] = wrap(text, width - 10)
  return [first, ...rest.map((line) => `          ${line}`)]
}

const totalWords: [Outcome, one: string, many: string][] = [
  ['conforms', 'conforms', 'conform'],
  ['deviates', 'deviates', 'deviate'],
  ['inconclusive', 'inconclusive', 'inconclusive'],
  ['disputed', 'disputed', 'disputed'],
  ['unsupported', 'unsupported', 'unsupported'],
  ['planned', 'planned', 'planned'],
  ['waived', 'waived', 'waived'],
]

function totals({ claims, counts, durationMs, judgingMs, observingMs, exitCode }: Report, width: number): string {
  const words = totalWords
    .map(([outcome, one, many]) => `${counts[outcome]} ${counts[outcome] === 1 ? one : many}`)
    .join(', ')
  return [
    ...wrap(`${claims.length} ${claims.length === 1 ? 'claim' : 'claims'}: ${words}`, width),
    `  judged in ${seconds(judgingMs)}, observed in ${seconds(observingMs)}, ${seconds(durationMs)} in all; exit ${exitCode}`,
  ].join('\n')
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** The slowest ten judgements that took a tenth of a second or more. */
function slowest(report: Report, width: number): string[] {
  const slow = report.claims
    .flatMap(({ results }) => results)
    .filter(({ durationMs }) => durationMs >= 100)
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, 10)
    .map(({ check, cluster, durationMs }) => `${check} ${cluster} ${seconds(durationMs)}`)
  return slow.length === 0 ? [] : hanging(`slowest ${slow.join(', ')}`, width)
}

const hanging = (text: string, width: number) =>
  wrap(text, width - 10).map((line, index) => (index === 0 ? '  ' : '          ') + line)

function paintHead(block: string, paint: Paint): string {
  const [word = ''] = block.split(' ', 1)
  return paint(word) + block.slice(word.length)
}
