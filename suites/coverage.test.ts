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
      "network: NET-11",
      "mesh: MESH-19",
      "data: DATA-01 DATA-02 DATA-04 DATA-07 DATA-08",
      "storage: STO-01 STO-02 STO-03 STO-04 STO-05 STO-06 STO-07 STO-08 STO-09 STO-10 STO-11",
      "observability: OBS-54",
      "gitops: GIT-05",
      "security: SEC-01 SEC-02 SEC-03 SEC-04 SEC-05 SEC-06 SEC-07 SEC-08 SEC-09 SEC-10",
      "recovery: DR-01 DR-02 DR-03 DR-04 DR-05 DR-06 DR-07 DR-08 DR-09 DR-10 DR-11 DR-12 DR-13 DR-14",
      "workloads: WORK-04 WORK-05 WORK-06",
      "resources: RES-03 RES-09 RES-10 RES-11",
      "versions: VER-07",
      "performance: PERF-01 PERF-02 PERF-03 PERF-04",
    ]
  `)
})
