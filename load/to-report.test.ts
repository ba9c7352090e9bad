import { expect, test } from 'vitest'
import { loadPlatform } from '../platform/platform.ts'
import { planFor } from './run.ts'
import { claimsOfLoads } from './to-report.ts'

test('every claim of method load has a check of a load test, or says what it needs', () => {
  const platform = loadPlatform()
  const reported = claimsOfLoads(platform, planFor(platform), new Date())
  const byLoad = platform.claims.filter(({ method }) => method.includes('load')).map(({ id }) => id)
  expect(Object.fromEntries(byLoad.map((id) => [id, reported.find((claim) => claim.id === id)?.notJudged ?? 'judged'])))
    .toMatchInlineSnapshot(`
      {
        "DR-08": "not judged: it needs a restore from backups outside of the cluster that is lost, timed by a drill",
        "OBS-04": "judged",
        "OBS-51": "judged",
        "OBS-54": "judged",
        "PERF-01": "judged",
        "PERF-04": "judged",
        "RES-09": "judged",
      }
    `)
  expect(reported.find(({ id }) => id === 'NET-07')?.notJudged).toBe('not judged by loads')
})
