import type { Claim, Platform } from '../platform/platform.ts'
import type { ClaimToReport } from '../reporters/build-report.ts'
import type { Judgement } from '../suites/plan.ts'
import { claimsToReport } from '../suites/to-report.ts'

/** What a claim of method load would need that no load test has. */
const needs: Record<string, string> = {
  'DR-08': 'needs a restore from backups outside of the cluster that is lost, timed by a drill',
}

/** All claims of the document, each with the reason why a load test does not judge it. */
export const claimsOfLoads = (platform: Platform, plan: readonly Judgement[], now: Date): ClaimToReport[] =>
  claimsToReport(platform, plan, plan, { claims: [], chapters: [] }, now).map((claim) =>
    claim.notJudged === undefined ? claim : { ...claim, notJudged: whyNot(claim.id, platform.claims) },
  )

function whyNot(id: string, claims: readonly Claim[]): string {
  if (!claims.find((claim) => claim.id === id)?.method.includes('load')) return 'not judged by loads'
  return `not judged: it ${needs[id] ?? 'has no check yet'}`
}
