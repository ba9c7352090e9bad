import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { messageOf } from '../check/error-message.ts'
import { readReport, reportFileName } from './report-file.ts'
import { defaultHistory } from './site-config.ts'
import { makeSite } from './site.ts'
import { summaryText } from './summary.ts'

const command = new Command('pnpm report')
  .description('Makes the Allure site and the job summary of the last run.')
  .option('--reports <folder>', 'where the run left its reports', 'reports')
  .option('--out <folder>', 'where the site goes (default: allure in the folder of the reports)')
  .option('--history <file>', `what earlier runs found (default: ${defaultHistory} in the folder of the reports)`)
  .option('--single-file', 'one HTML file that can be mailed', false)
  .action(async (options: { reports: string; out?: string; history?: string; singleFile: boolean }) => {
    const { reports, singleFile, out = join(reports, 'allure') } = options
    const { history = join(reports, defaultHistory) } = options
    const summary = summaryText(await readReport(join(reports, reportFileName)))
    const jobSummary = process.env['GITHUB_STEP_SUMMARY']
    if (jobSummary !== undefined) await appendFile(jobSummary, summary)
    console.log(await makeSite({ reports, out, history, singleFile, env: process.env }))
  })

try {
  await command.parseAsync()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 3
}
