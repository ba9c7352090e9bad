import { readFile, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { verdictSentence } from './report.ts'
import type { Report } from './report.ts'
import { readReport, reportFileName, writeWhole } from './report-file.ts'
import { settingsVariable } from './site-config.ts'
import type { SiteSettings } from './site-config.ts'

const resultsFolder = 'allure-results'
const root = join(import.meta.dirname, '..')

export type SiteOptions = {
  /** Folder of conformance.json and of the Allure results. */
  reports: string
  out: string
  /** Where the runs are remembered, one line each. */
  history: string
  singleFile: boolean
  env: NodeJS.ProcessEnv
}

/** Makes the Allure site of the last run and returns the path of its first page. Throws with what to do when there is nothing to show. */
export async function makeSite({ reports, out, history, singleFile, env }: SiteOptions): Promise<string> {
  const report = await readReport(join(reports, reportFileName))
  const results = join(reports, resultsFolder)
  await refuseEmpty(results)
  const executor = executorOf(env)
  if (executor) await writeWhole(join(results, 'executor.json'), `${JSON.stringify(executor, null, 2)}\n`)
  await rm(out, { recursive: true, force: true })
  const settings: SiteSettings = { history: resolve(history), singleFile, variables: variablesOf(report) }
  const ran = await execa(
    'allure',
    ['generate', resolve(results), '--output', resolve(out), '--name', siteName(report)],
    {
      cwd: root,
      preferLocal: true,
      all: true,
      reject: false,
      env: { ...env, [settingsVariable]: JSON.stringify(settings) },
    },
  )
  if (ran.failed) throw new Error(`allure generate failed (${ran.shortMessage}):\n${ran.all}`)
  return withStyle(join(out, 'index.html'), siteName(report))
}

/**
 * What Allure has no switch for. A share of all tests would hide which sentence is false. A failure block keeps its
 * columns and scrolls sideways. On a small screen, where the page opens scrolled to the first leaf of its tree, the verdict
 * stays above; on a phone a value has the whole line.
 */
const styleOf = (verdict: string) => `<style>
[aria-label^="Success rate"] { display: none }
[data-testid="test-result-error-message"] pre { white-space: pre !important; overflow-x: auto }
@media (max-width: 600px), (max-height: 950px) {
  body::before { content: ${cssString(verdict)}; display: block; padding: 8px 24px; font: bold 15px sans-serif }
}
@media (max-width: 600px) { :has(> [data-testid="metadata-item"]) { grid-template-columns: 1fr !important } }
</style>`

const cssString = (text: string) =>
  `"${text.replaceAll(/[^\w .,:-]/g, (character) => `\\${character.codePointAt(0)?.toString(16)} `)}"`

async function withStyle(page: string, verdict: string): Promise<string> {
  const html = await readFile(page, 'utf8')
  await writeWhole(
    page,
    html.replace('</head>', () => `${styleOf(verdict)}</head>`),
  )
  return page
}

/** The first thing that the site says. */
export const siteName = (report: Report) =>
  report.setupFailure ? `No verdict: ${report.setupFailure.what} failed` : verdictSentence(report)

async function refuseEmpty(results: string): Promise<void> {
  const files = await readdir(results).catch(() => [])
  if (files.some((name) => name.endsWith('-result.json'))) return
  throw new Error(`there are no Allure results in ${results}: run \`pnpm test:conformance\` first`)
}

/** Short: on a phone a value has room for about twenty characters. */
function variablesOf({ document, target, simulated, clusters }: Report): Record<string, string> {
  return {
    infra: clusterSeen(clusters.infra),
    apps: clusterSeen(clusters.apps),
    target: `${target}${simulated ? ' (simulated)' : ''}`,
    document: `${document.version}, ${document.date}`,
  }
}

const clusterSeen = (cluster: Report['clusters']['infra']) =>
  cluster ? `${cluster.version}, ${cluster.nodes} nodes, ${cluster.pods} pods` : 'not reached'

/** Allure's executor.json: which job made the results, and where its report will be read. */
export function executorOf(env: NodeJS.ProcessEnv): Record<string, string | number> | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run, REPORT_URL: reportUrl } = env
  if (server === undefined || repository === undefined || run === undefined) return undefined
  return {
    type: 'github',
    name: 'GitHub Actions',
    buildName: `${env['GITHUB_WORKFLOW'] ?? 'run'} ${env['GITHUB_RUN_NUMBER'] ?? run}`,
    buildOrder: Number(env['GITHUB_RUN_NUMBER'] ?? run),
    buildUrl: `${server}/${repository}/actions/runs/${run}`,
    ...(reportUrl === undefined ? {} : { reportUrl }),
  }
}
