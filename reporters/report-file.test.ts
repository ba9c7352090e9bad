import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildReport } from './build-report.ts'
import { jsonSchemaFile, jsonSchemaText } from './json-schema.ts'
import { readReport, writeReport } from './report-file.ts'
import { sampleRun } from './sample.ts'
import { temporaryFolders } from '../fixtures/temporary-folders.ts'

const folder = temporaryFolders('report-')

test('a report is written whole and read back as it was', async () => {
  const reports = join(await folder(), 'reports')
  const report = buildReport(sampleRun())
  const file = await writeReport(report, reports)
  expect(await readReport(file)).toEqual(report)
  expect(await readdir(reports)).toEqual(['conformance.json'])
})

test('no report, half a report and a report of another version are refused with what to do', async () => {
  const reports = await folder()
  const file = join(reports, 'conformance.json')
  await expect(readReport(file)).rejects.toThrow(`there is no report at ${file}: run \`pnpm test:conformance\` first`)
  await writeFile(file, '{"schemaVersion": 1')
  await expect(readReport(file)).rejects.toThrow(`${file} is not JSON`)
  await writeFile(file, JSON.stringify({ ...buildReport(sampleRun()), schemaVersion: 2 }))
  await expect(readReport(file)).rejects.toThrow(
    `${file} is not a conformance report of schema version 1:\n✖ Invalid input: expected 1\n  → at schemaVersion`,
  )
})

test('the published JSON Schema is the one of the code', async () => {
  const published = await readFile(jsonSchemaFile, 'utf8')
  expect(published, 'renew docs/generated/conformance.schema.json with: node reporters/json-schema.ts').toBe(
    jsonSchemaText(),
  )
})
