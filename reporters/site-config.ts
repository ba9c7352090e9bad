import type { AllureConfig } from 'allure'
import { z } from 'zod'
import { environments } from './allure-result.ts'

/** What `pnpm report` tells the Allure command line, which takes the rest from allurerc.ts. */
const settingsSchema = z.object({
  /** One line per run; kept outside of the results, so that it outlives them. */
  history: z.string(),
  singleFile: z.boolean(),
  /** Shown beside the results: what was judged, and with what. */
  variables: z.record(z.string(), z.string()),
})
export type SiteSettings = z.infer<typeof settingsSchema>

export const settingsVariable = 'CONFORMANCE_SITE'
export const defaultHistory = 'allure-history.jsonl'
const runsKept = 60

/** The settings in the environment; the defaults when the Allure command line was called by hand. */
export function siteSettings(env: NodeJS.ProcessEnv): SiteSettings {
  const given = env[settingsVariable]
  if (given === undefined) return { history: `reports/${defaultHistory}`, singleFile: false, variables: {} }
  return settingsSchema.parse(JSON.parse(given))
}

/** Only what the history can tell; Allure's own choice shows what is skipped for a reason as a lack of success. */
const historyCharts = [
  { type: 'statusDynamics', title: 'Results, run by run' },
  { type: 'statusTransitions', title: 'What changed, run by run' },
]

/** Allure 3: one environment per cluster, the chapters as the tree, what needs a person first. */
export function siteConfig({ history, singleFile, variables }: SiteSettings): AllureConfig {
  return {
    name: 'Conformance',
    historyPath: history,
    historyLimit: runsKept,
    variables,
    hideLabels: ['phase', /^_/],
    environments: Object.fromEntries(
      environments.map((id) => [
        id,
        {
          name: id,
          matcher: ({ labels }) => labels.some(({ name, value }) => name === 'cluster' && value === id),
        },
      ]),
    ),
    categories: [
      { name: 'Deviates', matchers: { statuses: ['failed'] }, groupByMessage: false, expand: true },
      { name: 'Could not be judged', matchers: { statuses: ['broken'] }, groupByMessage: false, expand: true },
      { name: 'Disputed', matchers: { labels: { outcome: 'disputed' } }, groupByMessage: false },
      { name: 'Waived', matchers: { labels: { outcome: 'waived' } }, groupByMessage: false },
      { name: 'Planned', matchers: { labels: { outcome: 'planned' } }, groupByMessage: false },
      { name: 'Unsupported', matchers: { labels: { outcome: 'unsupported' } }, groupByMessage: false },
    ],
    plugins: {
      awesome: {
        options: {
          singleFile,
          groupBy: ['feature'],
          defaultSortBy: 'status,asc',
          sections: ['charts'],
          charts: historyCharts,
          theme: 'auto',
        },
      },
    },
  }
}
