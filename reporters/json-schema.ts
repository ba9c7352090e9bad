import { z } from 'zod'
import { reportSchema } from './report.ts'
import { writeWhole } from './report-file.ts'

export const jsonSchemaFile = new URL('../docs/generated/conformance.schema.json', import.meta.url)

/** The published JSON Schema of `conformance.json`, as text. */
export function jsonSchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(reportSchema)
  const title = 'conformance.json: the report of a run'
  return `${JSON.stringify({ $schema, title, ...schema }, null, 2)}\n`
}

if (import.meta.main) await writeWhole(jsonSchemaFile.pathname, jsonSchemaText())
