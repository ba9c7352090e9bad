import type { Label, Link, Parameter, StatusDetails } from 'allure-js-commons'
import { Stage, Status } from 'allure-js-commons'
import { documentOf, failureBlock, figureOf, wrap } from '../check/failure-block.ts'
import type { BlockView, ClaimOfBlock } from '../check/failure-block.ts'
import type { Outcome } from '../check/outcome.ts'
import type { Result } from '../check/result.ts'
import { testStateOf } from './judged.ts'
import type { Judged } from './judged.ts'
import { documentName } from './report.ts'

export type DocumentShown = {
  title: string
  version: string
  /** Where the document can be read; links then lead to the lines of it. */
  url?: string
}

/** Where in the tree of the report something is shown. */
export type Place = {
  document?: DocumentShown | undefined
  chapter: string
  claim: ClaimOfBlock & { claim: string; phase: number }
  cluster: Result['cluster']
  outcome: Outcome
}

/** The three environments of the report: one per cluster, and one for what relates the two. */
export const environments = ['infra', 'apps', 'across'] as const

/** `deviates` is a failed test, what could not be judged a broken one; nothing but `conforms` is a passed one. */
export function statusOf(outcome: Outcome): { status: Status; stage: Stage } {
  if (outcome === 'inconclusive') return { status: Status.BROKEN, stage: Stage.FINISHED }
  const statuses = { passed: Status.PASSED, failed: Status.FAILED, skipped: Status.SKIPPED }
  return { status: statuses[testStateOf[outcome]], stage: Stage.FINISHED }
}

export function labelsOf({ document, chapter, claim, cluster, outcome }: Place): Label[] {
  return [
    ...(document ? [{ name: 'epic', value: documentName(document) }] : []),
    { name: 'feature', value: chapter },
    { name: 'story', value: claim.id },
    { name: 'cluster', value: cluster },
    { name: 'outcome', value: outcome },
    { name: 'phase', value: String(claim.phase) },
  ]
}

export function linksOf({ document, claim }: Place): Link[] {
  const url = document?.url
  if (url === undefined) return []
  return claim.lines.map((line) => ({ name: `line ${line}`, url: `${url}?plain=1#L${line}`, type: 'link' }))
}

/** Only the cluster tells results of one check apart. The counts are shown, and kept out of the history. */
export function parametersOf({ cluster, lookedAt, needed, population }: Result): Parameter[] {
  return [
    { name: 'cluster', value: cluster },
    { name: 'looked at', value: `${lookedAt} ${population}`, excluded: true },
    { name: 'needed', value: `at least ${needed}`, excluded: true },
  ]
}

export function messageOfResult(result: Result, claim: ClaimOfBlock, view: BlockView = {}): StatusDetails {
  const { outcome, reason } = result
  if (outcome === 'conforms') return {}
  if (testStateOf[outcome] === 'failed') return { message: failureBlock(result, claim, view) }
  return { message: skipMessage(outcome, reason) }
}

/** The message of a result that was skipped, in lines that need no scrolling. */
export const skipMessage = (outcome: Outcome, reason: string) => wrap(`${outcome}: ${reason}`, 80).join('\n')

/** Markdown: the sentence, where the document says it, and how it was judged. */
export function descriptionOf(place: Place, result?: Result): string {
  const { claim, document, outcome } = place
  const where = documentOf({ ...claim, quote: '' })
  return [
    claim.claim,
    ...(claim.quote === '' ? [] : [`> ${claim.quote.replaceAll('\n', '\n> ')}`]),
    `${document ? `${documentName(document)}, ` : ''}${where}`,
    ...(claim.dispute ? [`**The document says** ${claim.dispute.says} **But** ${claim.dispute.but}`] : []),
    ...(result ? [judgedLines(result, outcome)] : []),
  ].join('\n\n')
}

function judgedLines(result: Result, outcome: Outcome): string {
  const { lookedAt, needed, population, neededBecause, expected, figures, reason, method } = result
  const because = neededBecause === undefined ? '' : ` (${neededBecause})`
  return [
    `- **looked at** ${lookedAt} ${population}, **needed** ${needed}${because}`,
    ...(expected === '' ? [] : [`- **each has to be** ${expected}`]),
    ...figures.map((figure) => `- **figure** ${figureOf(figure)}`),
    `- **${outcome}** ${reason}`,
    `- **observed by** ${method}`,
  ].join('\n')
}

/** Everything that was looked at, one line each: what an auditor needs to follow the verdict. Those that do not hold come first. */
export function subjectsTable(subjects: Judged['subjects']): string {
  const rows = subjects
    .toSorted((a, b) => Number(a.holds === true) - Number(b.holds === true))
    .map(({ subject, cluster, holds }) => [subject, cluster, holds === true ? 'holds' : holds])
  return `${[['subject', 'cluster', 'found'], ...rows].map((row) => row.map(csvField).join(',')).join('\n')}\n`
}

const csvField = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
