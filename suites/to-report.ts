import type { ClaimToReport, Planned } from '../reporters/build-report.ts'
import type { Claim, Platform } from '../platform/platform.ts'
import { chapterOf } from './chapters.ts'
import type { Filter, Judgement } from './plan.ts'

/** The results that a run has to bring. */
export const plannedOf = (plan: readonly Judgement[]): Planned[] =>
  plan.map(({ claim, id, place }) => ({ claim: claim.id, check: id, cluster: place }))

/** All claims of the document, each with the reason why it is not judged where no check of this run does. */
export function claimsToReport(
  { claims, waivers }: Platform,
  plan: readonly Judgement[],
  all: readonly Judgement[],
  filter: Filter,
  now: Date,
): ClaimToReport[] {
  return claims.map((claim) => {
    const judged = plan.some((planned) => planned.claim.id === claim.id)
    const waiver = waivers.find((candidate) => candidate.claim === claim.id)
    return {
      ...sentenceOf(claim),
      methods: methodsOf(claim, all),
      ...(waiver === undefined
        ? {}
        : { waiver: { ...pick(waiver), expired: Date.parse(`${waiver.until}T23:59:59Z`) < now.getTime() } }),
      ...(judged ? {} : { notJudged: whyNotJudged(claim, all, filter) }),
    }
  })
}

/** What the document says and what is known of it; the same in every report. */
export const sentenceOf = ({ id, claim, lines, quote, phase, clusters, dispute }: Claim) => ({
  id,
  chapter: chapterOf(id),
  claim,
  lines,
  quote,
  phase,
  clusters,
  ...(dispute === undefined ? {} : { dispute }),
})

const pick = ({ justification, owner, until }: { justification: string; owner: string; until: string }) => ({
  justification,
  owner,
  until,
})

function methodsOf({ id, method }: Claim, all: readonly Judgement[]) {
  const used = new Set(all.filter(({ claim }) => claim.id === id).map(({ check }) => check.method))
  return { judged: method.filter((one) => used.has(one)), open: method.filter((one) => !used.has(one)) }
}

function whyNotJudged({ id, method, phase }: Claim, all: readonly Judgement[], { claims, chapters }: Filter): string {
  if (claims.length + chapters.length > 0 && all.some(({ claim }) => claim.id === id))
    return 'not judged: left out by the filter of this run'
  return `not judged: no check looks at it yet; it takes ${method.join(', ')}${phase > 2 ? `, from phase ${phase} on` : ''}`
}
