import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')
const folder = join(root, '.github', 'workflows')

const permissions = z.record(z.string(), z.enum(['read', 'write', 'none']))
const concurrency = z.object({ group: z.string(), 'cancel-in-progress': z.union([z.boolean(), z.string()]) })
const step = z.object({
  name: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
})
const job = z.object({
  uses: z.string().optional(),
  'timeout-minutes': z.int().positive().optional(),
  concurrency: concurrency.optional(),
  permissions: permissions.optional(),
  env: z.record(z.string(), z.string()).optional(),
  steps: z.array(step).default([]),
})
const workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions,
  concurrency: concurrency.optional(),
  jobs: z.record(z.string(), job),
})
type Workflow = z.infer<typeof workflow>

const read = (file: string): Workflow => workflow.parse(parse(readFileSync(join(folder, file), 'utf8')))
const files = readdirSync(folder)
const workflows = Object.fromEntries(files.map((file) => [file, read(file)]))
const jobs = Object.entries(workflows).flatMap(([file, each]) =>
  Object.entries(each.jobs).map(([name, one]) => ({ at: `${file} ${name}`, file, name, one, workflow: each })),
)
const steps = jobs.flatMap(({ at, one }) => one.steps.map((each) => ({ at, ...each })))

test('actions are pinned, to a commit or to a major version', () => {
  const used = steps.flatMap(({ at, uses }) => (uses === undefined ? [] : [`${at}: ${uses}`]))
  expect(used.filter((one) => !/@(v\d+|[0-9a-f]{40})$/.test(one))).toEqual([])
})

test('a workflow may read and nothing else; what a job may write beyond that is listed here', () => {
  const writes = jobs.flatMap(({ at, one }) =>
    Object.entries(one.permissions ?? {}).flatMap(([scope, access]) => (access === 'write' ? [`${at}: ${scope}`] : [])),
  )
  expect(Object.values(workflows).map((each) => each.permissions)).toEqual(files.map(() => ({ contents: 'read' })))
  expect(writes).toEqual([
    'nightly.yml publish: contents',
    'nightly.yml publish: pages',
    'nightly.yml publish: id-token',
  ])
})

test('every job ends by itself, and never runs twice at once', () => {
  const endless = jobs.filter(({ one }) => one.uses === undefined && one['timeout-minutes'] === undefined)
  const unguarded = jobs.filter(({ one, workflow: { concurrency: shared } }) => !(one.concurrency ?? shared))
  expect(endless.map(({ at }) => at)).toEqual([])
  expect(unguarded.map(({ at }) => at)).toEqual([])
})

test('a live run holds the groups of both clusters, in one order, and is never cancelled halfway', () => {
  const clusters = jobs.filter(({ one }) => one.concurrency?.group.startsWith('cluster-'))
  expect(clusters.map(({ at, one }) => [at, one.uses, one.concurrency])).toEqual([
    ['judge-live.yml judge', undefined, { group: 'cluster-apps', 'cancel-in-progress': false }],
    [
      'nightly.yml judge',
      './.github/workflows/judge-live.yml',
      { group: 'cluster-infra', 'cancel-in-progress': false },
    ],
  ])
  const judging = steps.filter(({ run }) => run?.includes('test:conformance')).map(({ at }) => at)
  expect(judging).toEqual(['judge-live.yml judge'])
})

test('the nightly run says live, and never falls back to the pair', () => {
  const judge = workflows['judge-live.yml']?.jobs['judge']
  expect(judge?.env?.['CONFORMANCE_TARGET']).toBe('live')
  expect(judge?.steps.some(({ run }) => run?.includes('--target'))).toBe(false)
})

test('the schedule says its time zone', () => {
  expect(workflows['nightly.yml']?.on['schedule']).toEqual([{ cron: '17 2 * * *', timezone: 'Etc/UTC' }])
})

test('the commands that they call exist', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  const runs = steps.flatMap(({ run }) => (run === undefined ? [] : [run]))
  const called = runs.flatMap((run) => [...run.matchAll(/pnpm@12 (\S+)/g)].map(([, name = '']) => name))
  const paths = runs.flatMap((run) => [...run.matchAll(/bash (\S+)/g)].map(([, path = '']) => path))
  const reusable = jobs.flatMap(({ one }) => (one.uses === undefined ? [] : [one.uses]))
  const needed = steps.flatMap(({ with: options }) => options?.['go-version-file'] ?? []).map(String)
  expect(new Set(called)).toEqual(new Set(['test:conformance', 'sweep', 'report', 'report:history']))
  expect(called.filter((name) => !(name in scripts))).toEqual([])
  expect([...paths, ...reusable, ...needed].filter((path) => !existsSync(join(root, path)))).toEqual([])
  const scriptFiles = called.map((name) => scripts[name]?.replace(/^node /, '') ?? '')
  expect(scriptFiles.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('YAML stays thin: nothing longer than a line is written in it', () => {
  expect(steps.filter(({ run }) => run?.includes('\n')).map(({ at, name }) => `${at}: ${name}`)).toEqual([])
})

test('reports are kept however a run ended', () => {
  const uploads = steps.filter(({ uses }) => uses?.startsWith('actions/upload-artifact@'))
  expect(uploads.map(({ at, if: when }) => [at, when])).toEqual([
    ['ci.yml test', '${{ !cancelled() }}'],
    ['judge-live.yml judge', 'always()'],
  ])
})
