import { randomUUID } from 'node:crypto'
import type { Label, StepResult, TestResult } from 'allure-js-commons'
import { Stage, Status } from 'allure-js-commons'
import { FileSystemWriter } from 'allure-js-commons/sdk/reporter'
import AllureVitestReporter from 'allure-vitest/reporter'
import type { RunnerTask } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'
import { messageOf } from '../check/error-message.ts'
import { descriptionOf, labelsOf, linksOf, messageOfResult, parametersOf } from './allure-result.ts'
import { statusOf, subjectsTable } from './allure-result.ts'
import type { DocumentShown, Place } from './allure-result.ts'
import { brokenResult } from './allure-unjudged.ts'
import { judgedOf, testStateOf } from './judged.ts'
import type { Judged } from './judged.ts'

export type AllureOptions = { resultsDir: string; document?: DocumentShown | undefined }

/**
 * The Allure reporter of allure-vitest, with what it leaves out: clusters told apart, reasons of skipped tests,
 * files that could not be loaded, results that are there as soon as their file ended. A test that judged a claim is
 * shown as its result.
 */
export class ConformanceAllureReporter extends AllureVitestReporter implements Reporter {
  readonly #writer: FileSystemWriter
  readonly #document: DocumentShown | undefined
  #task: RunnerTask | undefined

  constructor({ resultsDir, document }: AllureOptions) {
    super({
      resultsDir,
      reportMatchers: false,
      listeners: [{ beforeTestResultStop: (result) => this.#complete(result) }],
    })
    this.#writer = new FileSystemWriter({ resultsDir })
    this.#document = document
  }

  onTestModuleEnd(module: TestModule): void {
    super.onTestRunEnd([module])
    const errors = module.errors()
    if (errors.length === 0) return
    const message = errors.map((error) => error.message).join('\n')
    const trace = withoutAllureFrames(errors.map(({ stack }) => stack ?? '').join('\n'))
    const name = `${module.relativeModuleId} could not be loaded`
    this.#writer.writeResult(brokenResult(name, { message, trace }))
  }

  /** Everything was written as the files ended. */
  override onTestRunEnd(): void {}

  override handleTask(task: RunnerTask): void {
    if (task.type === 'test' && (task.mode === 'skip' || task.mode === 'todo')) task.result ??= { state: 'skip' }
    this.#task = task
    super.handleTask(task)
  }

  /** Runs before the ids are computed from name and parameters. */
  #complete(result: TestResult): void {
    const task = this.#task
    if (task?.type !== 'test') return
    const errors = (task.result?.errors ?? []).map(({ message }) => message)
    try {
      const judged = judgedOf(task.meta)
      if (judged) this.#showJudged(result, judged, errors)
      else showPlain(result, task, errors)
    } catch (error) {
      Object.assign(result, { status: Status.BROKEN, statusDetails: { message: messageOf(error) } })
    }
    if (result.statusDetails.trace !== undefined) {
      result.statusDetails.trace = withoutAllureFrames(result.statusDetails.trace)
    }
    result.labels = distinct(result.labels, ({ name, value }) => `${name}=${value}`)
    result.parameters = distinct(result.parameters, ({ name }) => name)
  }

  #showJudged(result: TestResult, { result: judged, claim, chapter, subjects }: Judged, errors: string[]): void {
    const { cluster, outcome } = judged
    const place: Place = { document: this.#document, chapter, claim, cluster, outcome }
    // A failed judgement threw its block; any other error says that the test failed outside of its judgement.
    const isFault = errors.length > 0 && testStateOf[outcome] !== 'failed'
    const statusDetails = errors.length > 0 ? { message: errors.join('\n\n') } : messageOfResult(judged, claim)
    Object.assign(result, {
      name: `${claim.id}  ${judged.fact}`,
      fullName: judged.check,
      titlePath: [chapter],
      description: descriptionOf(place, judged),
      labels: [...labelsOf(place), ...tagsOf(this.#task)],
      links: linksOf(place),
      parameters: parametersOf(judged),
      ...statusOf(outcome),
      ...(isFault ? { status: Status.BROKEN } : {}),
      statusDetails,
    })
    if (subjects.length === 0) return
    const source = `${randomUUID()}-attachment.csv`
    this.#writer.writeAttachment(source, Buffer.from(subjectsTable(subjects)))
    const name = `all ${subjects.length} ${judged.population} that were looked at`
    result.attachments.push({ name, source, type: 'text/csv' })
  }
}

function showPlain(result: TestResult, task: RunnerTask & { type: 'test' }, errors: string[]): void {
  const project = task.file.projectName
  if (project) {
    result.parameters.push({ name: 'project', value: project })
    result.labels.push({ name: 'project', value: project })
  }
  result.labels.push(...tagsOf(task))
  result.steps.push(...task.annotations.map(({ message }) => stepOf(message)))
  const message = skipNoteOf(task.result) ?? errors.join('\n\n')
  if (message !== '') result.statusDetails.message = message
}

/** The runner keeps the note of a skip beside the state; the types of a task's result do not tell. */
const skipNoteOf = (result: object | undefined): string | undefined =>
  result && 'note' in result && typeof result.note === 'string' ? result.note : undefined

const tagsOf = (task: RunnerTask | undefined): Label[] =>
  task?.type === 'test' ? (task.tags ?? []).map((value) => ({ name: 'tag', value })) : []

const stepOf = (name: string): StepResult => ({
  name,
  status: Status.PASSED,
  stage: Stage.FINISHED,
  statusDetails: {},
  steps: [],
  attachments: [],
  parameters: [],
})

const withoutAllureFrames = (trace: string) =>
  trace
    .split('\n')
    .filter((line) => !/allure-(vitest|js-commons)/.test(line))
    .join('\n')

const distinct = <T>(all: T[], key: (one: T) => string): T[] => [...new Map(all.map((one) => [key(one), one])).values()]
