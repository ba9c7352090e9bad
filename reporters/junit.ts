import { join } from 'node:path'
import { XMLBuilder } from 'fast-xml-parser'
import { failureBlock } from '../check/failure-block.ts'
import type { Result } from '../check/result.ts'
import { chaptersOf } from './chapters.ts'
import type { Chapter } from './chapters.ts'
import { contextsOf } from './console.ts'
import { verdictSentence } from './report.ts'
import type { Report, ReportedClaim, SetupFailure } from './report.ts'
import { writeWhole } from './report-file.ts'
import { setupFailureBlock } from './setup-failure-block.ts'

const junitFileName = 'junit.xml'

type Explained = { '@message': string; '#text'?: string }

type TestCaseElement = {
  '@classname': string
  '@name': string
  '@time': string
  failure?: Explained
  error?: Explained
  skipped?: Explained
}

type Ending = Pick<TestCaseElement, 'failure' | 'error' | 'skipped'>

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', format: true, indentBy: '  ' })

/** Writes `junit.xml` into the folder and returns its path. */
export async function writeJUnit(report: Report, folder: string): Promise<string> {
  const file = join(folder, junitFileName)
  await writeWhole(file, junitText(report))
  return file
}

/** The report as JUnit XML: a suite per chapter, a test-case per result, and one per claim that no check judged. */
export function junitText(report: Report): string {
  const suites = [
    ...(report.setupFailure ? [suiteOf('set-up', [setupCase(report.setupFailure)], report)] : []),
    ...chaptersOf(report).map((chapter) => suiteOf(chapter.chapter, casesOf(chapter, report), report)),
  ]
  const cases = suites.flatMap(({ testcase }) => testcase)
  const document = {
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    testsuites: {
      '@name': printable(verdictSentence(report)),
      ...countsOf(cases),
      '@time': secondsOf(report.durationMs),
      testsuite: suites,
    },
  }
  return builder.build(document).trimEnd() + '\n'
}

function suiteOf(name: string, testcase: TestCaseElement[], { startedAt }: Report) {
  return { '@name': name, ...countsOf(testcase), '@timestamp': startedAt, testcase }
}

const countsOf = (cases: readonly TestCaseElement[]) => ({
  '@tests': String(cases.length),
  '@failures': String(cases.filter((each) => 'failure' in each).length),
  '@errors': String(cases.filter((each) => 'error' in each).length),
  '@skipped': String(cases.filter((each) => 'skipped' in each).length),
})

function setupCase(failure: SetupFailure): TestCaseElement {
  return {
    '@classname': 'set-up',
    '@name': printable(failure.what),
    '@time': secondsOf(0),
    error: { '@message': printable(`${failure.what}: ${failure.found}`), '#text': text(setupFailureBlock(failure)) },
  }
}

function casesOf({ claims }: Chapter, report: Report): TestCaseElement[] {
  return claims.flatMap((claim) =>
    claim.results.length === 0 ? [unjudgedCase(claim)] : claim.results.map((result) => caseOf(result, claim, report)),
  )
}

function unjudgedCase({ chapter, id, claim, outcome, reason }: ReportedClaim): TestCaseElement {
  return {
    '@classname': chapter,
    '@name': printable(`${id} ${claim}`),
    '@time': secondsOf(0),
    skipped: { '@message': printable(`${outcome}: ${reason}`) },
  }
}

function caseOf(result: Result, claim: ReportedClaim, report: Report): TestCaseElement {
  return {
    '@classname': `${claim.chapter}.${result.cluster}`,
    '@name': printable(`${claim.id} ${result.fact}`),
    '@time': secondsOf(result.durationMs),
    ...endingOf(result, claim, report),
  }
}

function endingOf(result: Result, claim: ReportedClaim, report: Report): Ending {
  const { outcome, reason } = result
  if (outcome === 'conforms') return {}
  const message = printable(`${outcome}: ${reason}`)
  if (outcome !== 'deviates' && outcome !== 'inconclusive') return { skipped: { '@message': message } }
  const block = { '@message': message, '#text': text(failureBlock(result, claim, { contexts: contextsOf(report) })) }
  return outcome === 'deviates' ? { failure: block } : { error: block }
}

const secondsOf = (ms: number) => (ms / 1000).toFixed(3)

/** XML 1.0 has no place for these characters, not even escaped. */
// oxlint-disable-next-line no-control-regex -- they are what is replaced
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu

const text = (value: string) => value.replaceAll(forbidden, '\uFFFD')

/** An attribute is one line: a reader of XML turns line breaks in it into blanks anyway. */
const printable = (value: string) => text(value).replaceAll(/\s+/g, ' ').trim()
