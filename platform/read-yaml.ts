import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { z } from 'zod'
import { messageOf } from '../check/error-message.ts'
import { SetupError } from '../check/setup-error.ts'
import { expectationOf } from './expectation.ts'
import { pathText } from './path-text.ts'

/** What is wrong at one place of a file. */
export type Fault = { path: readonly PropertyKey[]; expected: string; found: string }

/** The data of a file, and how to refuse it with file and line for what no schema can know. */
export type YAMLFile<T> = { data: T; refuse: (faults: readonly Fault[]) => void }

/** Reads a YAML file by its schema. Throws a SetupError with file, line and path for whatever is not as it has to be. */
export function readYAML<T>(file: string, schema: z.ZodType<T>): YAMLFile<T> {
  const counter = new LineCounter()
  const document = parseDocument(textOf(file), { lineCounter: counter, prettyErrors: false })
  const [syntax] = document.errors
  if (syntax) throw problem(placeOf(file, counter.linePos(syntax.pos[0]).line), 'YAML', syntax.message, adviceFor([]))
  const refuse = (faults: readonly Fault[]) => {
    const [first, ...others] = faults
    if (!first) return
    const place = placeOf(file, lineOf(document, counter, first.path))
    throw problem(`${place} ${pathText(first.path)}`.trimEnd(), first.expected, first.found, adviceFor(others))
  }
  const value: unknown = document.toJS()
  const parsed = schema.safeParse(value)
  if (parsed.success) return { data: parsed.data, refuse }
  // An unknown key is often what is missing elsewhere, misspelt: it comes first.
  const issues = parsed.error.issues.toSorted((a, b) => Number(isUnknownKey(b)) - Number(isUnknownKey(a)))
  const faults = issues.flatMap((issue) => faultsOf(issue, value, schema))
  refuse(faults)
  throw new Error(`${file}: the schema refused it without an issue`)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw problem(pathOf(file), 'a file that can be read', messageOf(error), 'restore the file or its permissions')
  }
}

function pathOf(file: string): string {
  const fromHere = relative(process.cwd(), file)
  return fromHere.startsWith('..') ? file : fromHere
}

const placeOf = (file: string, line: number) => `${pathOf(file)}:${line}`

const problem = (where: string, expected: string, found: string, advice: string) =>
  new SetupError({ what: 'reading the documented platform', where, expected, found, try: advice })

function adviceFor(others: readonly Fault[]): string {
  if (others.length === 0) return 'mend this line'
  return `mend this line; ${others.length} more in this file: ${others.map(({ path }) => pathText(path)).join(', ')}`
}

/** The line of a value, or of the nearest part of the file around it when it is missing. */
function lineOf(document: Document, counter: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = 0
  for (const step of path) {
    const next = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : undefined
    if (next && isScalar(next.key)) {
      offset = next.key.range?.[0] ?? offset
      node = next.value
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step]
      offset = startOf(node) ?? offset
    } else break
  }
  return counter.linePos(offset).line
}

const startOf = (node: unknown): number | undefined =>
  isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined

const isUnknownKey = (issue: z.core.$ZodIssue) => issue.code === 'unrecognized_keys'

function faultsOf(issue: z.core.$ZodIssue, value: unknown, schema: z.ZodType): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      expected: expectationOf(schema, issue.path),
      found: `an unknown key ${key}`,
    }))
  }
  return [{ path: issue.path, expected: wanted(issue), found: shown(valueAt(value, issue.path)) }]
}

function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`
  return issue.message
}

const typeNames: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  )

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
