import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { reportSchema } from './report.ts'
import type { Report } from './report.ts'

export const reportFileName = 'conformance.json'

/** Writes a file whole or not at all: a reader never sees half of it. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const unfinished = `${file}.${process.pid}.unfinished`
  await writeFile(unfinished, content)
  await rename(unfinished, file)
}

/** Writes `conformance.json` into the folder and returns its path. A report that does not fit the schema is still written, then refused. */
export async function writeReport(report: Report, folder: string): Promise<string> {
  const file = join(folder, reportFileName)
  await writeWhole(file, `${JSON.stringify(report, null, 2)}\n`)
  checkReport(report, file)
  return file
}

/** Reads a report. Throws with the file and the path of what does not fit. */
export async function readReport(file: string): Promise<Report> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`there is no report at ${file}: run \`pnpm test:conformance\` first`, { cause: error })
  }
  try {
    return checkReport(JSON.parse(text), file)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Error(`${file} is not JSON (${error.message}): run \`pnpm test:conformance\` again`, { cause: error })
  }
}

function checkReport(value: unknown, file: string): Report {
  const parsed = reportSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Error(`${file} is not a conformance report of schema version 1:\n${z.prettifyError(parsed.error)}`)
}
