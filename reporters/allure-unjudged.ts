import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import type { StatusDetails, TestResult } from 'allure-js-commons'
import { Stage, Status } from 'allure-js-commons'
import { FileSystemWriter, getTestResultHistoryId, getTestResultTestCaseId } from 'allure-js-commons/sdk/reporter'
import { descriptionOf, labelsOf, linksOf, skipMessage } from './allure-result.ts'
import type { Place } from './allure-result.ts'
import type { Report, ReportedClaim } from './report.ts'
import { setupFailureBlock } from './setup-failure-block.ts'

/** Empties the folder, so that the results of an earlier run are never taken for those of this one. */
export async function clearResults(resultsDir: string): Promise<void> {
  await rm(resultsDir, { recursive: true, force: true })
  await mkdir(resultsDir, { recursive: true })
}

/**
 * Adds what no test could write: the claims that brought no result, each skipped with its reason, and the set-up
 * failure of the run. With them the Allure report shows every sentence of the document.
 */
export async function writeUnjudged(report: Report, resultsDir: string): Promise<void> {
  await mkdir(resultsDir, { recursive: true })
  const writer = new FileSystemWriter({ resultsDir })
  for (const claim of report.claims) {
    if (claim.results.length === 0) writer.writeResult(unjudgedResult(claim, report))
  }
  await writeSetupFailure(report, resultsDir)
}

/** One broken result that says why the run itself failed; nothing when it did not. */
async function writeSetupFailure({ setupFailure }: Report, resultsDir: string): Promise<void> {
  if (!setupFailure) return
  await mkdir(resultsDir, { recursive: true })
  const name = `set-up failed: ${setupFailure.what}`
  new FileSystemWriter({ resultsDir }).writeResult(brokenResult(name, { message: setupFailureBlock(setupFailure) }))
}

/** A result for something that went wrong outside of any test. */
export function brokenResult(name: string, statusDetails: StatusDetails): TestResult {
  return identified({
    ...emptyResult(),
    name,
    fullName: 'the run itself',
    titlePath: ['the run itself'],
    status: Status.BROKEN,
    statusDetails,
    labels: [{ name: 'feature', value: 'the run itself' }],
  })
}

function unjudgedResult(claim: ReportedClaim, { document, startedAt }: Report): TestResult {
  const { id, chapter, clusters, outcome, reason } = claim
  const cluster = clusters === 'each' ? 'across' : clusters
  const place: Place = { document, chapter, claim, cluster, outcome }
  const start = Date.parse(startedAt)
  return identified({
    ...emptyResult(),
    name: `${id}  ${claim.claim}`,
    fullName: `${id}/unjudged`,
    titlePath: [chapter],
    status: Status.SKIPPED,
    statusDetails: { message: skipMessage(outcome, reason) },
    description: descriptionOf(place),
    labels: labelsOf(place),
    links: linksOf(place),
    parameters: [{ name: 'cluster', value: cluster }],
    start,
    stop: start,
  })
}

export function emptyResult(): TestResult {
  const now = Date.now()
  return {
    uuid: randomUUID(),
    stage: Stage.FINISHED,
    statusDetails: {},
    steps: [],
    attachments: [],
    parameters: [],
    labels: [],
    links: [],
    start: now,
    stop: now,
  }
}

/** The ids by which Allure finds a test again in the history. */
export function identified(result: TestResult & { fullName: string }): TestResult {
  const testCaseId = getTestResultTestCaseId(result)
  const known: TestResult = testCaseId === undefined ? result : { ...result, testCaseId }
  return { ...known, historyId: getTestResultHistoryId(known) }
}
