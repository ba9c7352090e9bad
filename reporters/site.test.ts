import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { writeUnjudged } from './allure-unjudged.ts'
import { buildReport } from './build-report.ts'
import { writeReport } from './report-file.ts'
import { sampleRun } from './sample.ts'
import { siteSettings } from './site-config.ts'
import { executorOf, makeSite, siteName } from './site.ts'
import { temporaryFolders } from '../fixtures/temporary-folders.ts'

const newFolder = temporaryFolders('site-')

test('without results the site is refused, with what to do', async () => {
  const reports = await newFolder()
  const options = {
    reports,
    out: join(reports, 'allure'),
    history: join(reports, 'h.jsonl'),
    singleFile: false,
    env: {},
  }
  await expect(makeSite(options)).rejects.toThrow(
    `there is no report at ${reports}/conformance.json: run \`pnpm test:conformance\` first`,
  )
  await writeReport(buildReport(sampleRun()), reports)
  await expect(makeSite(options)).rejects.toThrow(
    `there are no Allure results in ${reports}/allure-results: run \`pnpm test:conformance\` first`,
  )
})

test('pnpm report makes the site, remembers the run and writes the job summary', { timeout: 60_000 }, async () => {
  const reports = await newFolder()
  const report = buildReport(sampleRun())
  await writeReport(report, reports)
  await writeUnjudged(report, join(reports, 'allure-results'))
  const jobSummary = join(reports, 'summary.md')
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, 'main.ts'), '--reports', reports], {
    env: { GITHUB_STEP_SUMMARY: jobSummary },
  })
  expect(stdout).toBe(join(reports, 'allure', 'index.html'))
  expect(await readFile(stdout, 'utf8')).toContain(`<title> ${siteName(report)} </title>`)
  expect((await readFile(join(reports, 'allure-history.jsonl'), 'utf8')).trim().split('\n').length).toBe(1)
  expect(await readFile(jobSummary, 'utf8')).toContain(`## ${siteName(report)}`)
  const environments: unknown = JSON.parse(
    await readFile(join(reports, 'allure', 'widgets', 'environments.json'), 'utf8'),
  )
  expect(environments).toContainEqual({ id: 'infra', name: 'infra' })
})

test('a job of GitHub Actions is the executor of its results', () => {
  expect(executorOf({})).toBeUndefined()
  expect(
    executorOf({
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'example/platform',
      GITHUB_RUN_ID: '77',
      GITHUB_RUN_NUMBER: '5',
      GITHUB_WORKFLOW: 'nightly',
      REPORT_URL: 'https://example.github.io/platform/5',
    }),
  ).toEqual({
    type: 'github',
    name: 'GitHub Actions',
    buildName: 'nightly 5',
    buildOrder: 5,
    buildUrl: 'https://github.com/example/platform/actions/runs/77',
    reportUrl: 'https://example.github.io/platform/5',
  })
})

test('called by hand the Allure command line finds the history where pnpm report keeps it', () => {
  expect(siteSettings({})).toEqual({ history: 'reports/allure-history.jsonl', singleFile: false, variables: {} })
})
