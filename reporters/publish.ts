import { join, relative } from 'node:path'
import { writeUnjudged } from './allure-unjudged.ts'
import { consoleView } from './console.ts'
import { writeJUnit } from './junit.ts'
import type { Report } from './report.ts'
import { writeReport, writeWhole } from './report-file.ts'

export const allureResults = (reports: string) => join(reports, 'allure-results')

/** Writes every view of the report, the authority first, and prints the one for the console. */
export async function publish(report: Report, folder: string): Promise<void> {
  const file = await writeReport(report, folder)
  await Promise.all([writeJUnit(report, folder), writeUnjudged(report, allureResults(folder))])
  console.log(consoleView(report, { paths: [relative(process.cwd(), file)] }))
  await writeWhole(join(folder, 'conformance.txt'), consoleView(report, { colors: false }))
}
