import { expect, test } from 'vitest'
import { loadPlatform } from '../platform/platform.ts'
import { allChecks, chapterOf } from './chapters.ts'

const { claims } = loadPlatform()
const judged = new Set(allChecks.flatMap(({ check }) => Object.values(check.claims)))

test('every check judges claims that exist', () => {
  const known = new Set(claims.map(({ id }) => id))
  expect([...judged].filter((id) => !known.has(id))).toEqual([])
})

// A check that is dropped, and a claim that gets one, both show here: neither happens silently.
test('the claims that no check looks at yet are these', () => {
  const open = claims.map(({ id }) => id).filter((id) => !judged.has(id))
  const byChapter = [...Map.groupBy(open, chapterOf)].map(([chapter, ids]) => `${chapter}: ${ids.join(' ')}`)
  expect(byChapter).toMatchInlineSnapshot(`
    [
      "mesh: MESH-19",
      "storage: STO-11",
      "observability: OBS-54",
      "gitops: GIT-05",
      "security: SEC-04 SEC-09",
      "recovery: DR-06 DR-07 DR-08 DR-09 DR-10 DR-11 DR-12 DR-14",
      "workloads: WORK-05 WORK-06",
      "resources: RES-09 RES-10",
      "versions: VER-07",
      "performance: PERF-01 PERF-02 PERF-03 PERF-04",
    ]
  `)
})
