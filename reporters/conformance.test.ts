import { expect, test, vi } from 'vitest'
import { createConformanceCollector } from './conformance.ts'
import { judgingFile, runFixture } from './fixture-run.ts'
import { runOf, sampleJudged, sampleRun } from './sample.ts'

// Each test runs vitest itself.
vi.setConfig({ testTimeout: 60_000 })

test('every result arrives, of whatever outcome', async () => {
  const { reporter, collected } = createConformanceCollector()
  await runFixture({ 'judging.test.js': judgingFile(sampleJudged()) }, [reporter])
  expect(collected()).toEqual({ results: sampleRun().results, errors: [], interrupted: false })
})

test('whatever goes wrong outside of a judgement is an error of the run', async () => {
  const { reporter, collected } = createConformanceCollector()
  const [judged] = sampleJudged(runOf('conforms'))
  await runFixture(
    {
      'a-fails-otherwise.test.js': `
        test('conforms, then throws', ({ task }) => {
          task.meta.conformance = ${JSON.stringify(judged)}
          throw new Error('planned as A, judged as B')
        })
        test('judges nothing', () => { throw new Error('no snapshot') })
        test('half a result', ({ task }) => { task.meta.conformance = { result: {} } })`,
      'b-hook.test.js': `
        describe('chapter', () => {
          beforeAll(() => { throw new Error('hook failed') })
          test('never runs', () => {})
        })`,
      'c-does-not-load.test.js': `throw new Error('bad import')`,
    },
    [reporter],
  )
  const { results, errors, interrupted } = collected()
  expect(results.map(({ check }) => check)).toEqual(['TOPO-02/nodeNames'])
  expect(interrupted).toBe(false)
  expect(errors.map((error) => error.slice(0, 140)).toSorted((a, b) => a.localeCompare(b))).toMatchInlineSnapshot(`
    [
      "c-does-not-load.test.js: bad import",
      "chapter: hook failed",
      "conforms, then throws: conforms has to be a passed test, this one is failed: planned as A, judged as B",
      "half a result: a judgement of unexpected form: ✖ Invalid input: expected object, received undefined → at claim ✖ Invalid input: expected str",
      "judges nothing: no snapshot",
    ]
  `)
})

test('a run whose end was never told counts as interrupted', () => {
  expect(createConformanceCollector().collected()).toEqual({ results: [], errors: [], interrupted: true })
})
