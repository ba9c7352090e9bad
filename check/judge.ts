import type { Claim, ClusterName, Platform } from '../platform/platform.ts'
import { activeWaiver } from '../platform/platform.ts'
import type { Check, Looked, Readings } from './check.ts'
import { messageOf } from './error-message.ts'
import type { Outcome } from './outcome.ts'
import { parseListing } from './parse-listing.ts'
import type { Deviation, Result } from './result.ts'
import type { Read, Snapshot } from './source.ts'

export type Place = ClusterName | 'across'

/** What judging needs: no connection, no clock of its own. */
export type Judging = { platform: Platform; snapshot: Snapshot; now: Date }

type Verdict = {
  judgedAs: Result['judgedAs']
  reason: string
  looked?: Looked
  deviations?: Deviation[]
  disputed?: boolean
}

/** A result with everything that was looked at for it: what an auditor needs to follow the verdict. */
export type Judgement = { result: Result; subjects: { subject: string; cluster: string; holds: true | string }[] }

/** Judges one check at one place. Never throws: what goes wrong in the check itself is inconclusive, with the reason. */
export function judge(id: string, check: Check, place: Place, judging: Judging): Judgement {
  const started = performance.now()
  const claim = claimOf(check, place, judging.platform)
  const verdict = verdictOf(check, place, judging)
  const { outcome, reason } = settle(verdict, claim, place, judging)
  const subjects = (verdict.looked?.subjects ?? []).map(({ naming, holds }) => ({
    subject: naming.subject,
    cluster: naming.cluster ?? place,
    holds,
  }))
  const result: Result = {
    claim: claim.id,
    check: `${claim.id}/${id}`,
    fact: check.fact,
    cluster: place,
    outcome,
    judgedAs: verdict.judgedAs,
    reason,
    population: check.population,
    lookedAt: verdict.looked?.subjects.length ?? 0,
    needed: verdict.looked?.atLeast ?? 1,
    ...(check.because === undefined ? {} : { neededBecause: check.because }),
    expected: verdict.looked?.expected ?? '',
    deviations: verdict.deviations ?? [],
    figures: verdict.looked?.figures ?? [],
    durationMs: performance.now() - started,
    method: check.method,
  }
  return { result, subjects }
}

function claimOf(check: Check, place: Place, platform: Platform): Claim {
  const id = check.claims[place]
  const claim = platform.claims.find((candidate) => candidate.id === id)
  if (!claim) throw new Error(`${check.fact}: claim ${id} is not in claims.yaml`)
  return claim
}

function verdictOf(check: Check, place: Place, judging: Judging): Verdict {
  const clusters: ClusterName[] = place === 'across' ? ['infra', 'apps'] : [place]
  const readings: Readings = {}
  for (const cluster of clusters) {
    const lists: Record<string, unknown[]> = {}
    readings[cluster] = lists
    for (const [key, read] of Object.entries(check.reads)) {
      const got = itemsOf(read, cluster, judging.snapshot)
      if ('judgedAs' in got) return got
      lists[key] = got.items
    }
  }
  const context = { figures: judging.platform.figures, names: judging.platform.names, now: judging.now }
  try {
    const looked = check.look(
      readings,
      place === 'across'
        ? context
        : { ...context, cluster: place, documented: judging.platform.figures.clusters[place] },
    )
    return weigh(check, looked)
  } catch (error) {
    return { judgedAs: 'inconclusive', reason: `the check itself failed: ${messageOf(error)}` }
  }
}

/** The items of a read, or the verdict that their absence leads to. */
function itemsOf(read: Read<unknown>, cluster: ClusterName, snapshot: Snapshot): { items: unknown[] } | Verdict {
  const { source, whenAbsent } = read
  const listing = snapshot[cluster][source.id]
  const where = `${source.what} on ${cluster}`
  if (!listing) return { judgedAs: 'inconclusive', reason: `${where} were never read` }
  switch (listing.state) {
    case 'listed': {
      const parsed = parseListing(listing, source)
      return parsed.malformed === undefined
        ? { items: parsed.items }
        : { judgedAs: 'inconclusive', reason: `${where} have an unexpected shape: ${parsed.malformed}` }
    }
    case 'absent':
      if (whenAbsent === 'empty') return { items: [] }
      if (whenAbsent === 'deviates') return missingKind(source.what, cluster, listing.reason)
      return { judgedAs: 'unsupported', reason: `needs ${where}: ${listing.reason}` }
    case 'forbidden':
      return { judgedAs: 'inconclusive', reason: `${where} may not be read: ${listing.reason}` }
    case 'unreachable':
      return { judgedAs: 'inconclusive', reason: `${where} could not be read: ${listing.reason}` }
    case 'malformed':
      return { judgedAs: 'inconclusive', reason: `${where} have an unexpected shape: ${listing.reason}` }
  }
}

const missingKind = (what: string, cluster: ClusterName, reason: string): Verdict => ({
  judgedAs: 'deviates',
  reason: `${cluster} has no ${what}: ${reason}`,
  deviations: [{ subject: what, cluster, found: reason }],
})

function weigh(check: Check, looked: Looked): Verdict {
  const failing = looked.subjects.filter(({ holds }) => holds !== true)
  const count = `${looked.subjects.length} ${check.population}`
  if (failing.length > 0) {
    const deviations = failing.map(({ naming, holds }) => ({
      subject: naming.subject,
      cluster: naming.cluster ?? 'infra',
      found: String(holds),
      ...(naming.look === undefined ? {} : { look: naming.look }),
    }))
    const disputed = failing.every((subject) => subject.disputed)
    return { judgedAs: 'deviates', reason: `${failing.length} of ${count} deviate`, looked, deviations, disputed }
  }
  // What was found is found, however good the detector is; only "nothing found" needs a detector that works.
  if (looked.brokenDetector !== undefined) {
    return { judgedAs: 'inconclusive', reason: `the detector is broken: ${looked.brokenDetector}`, looked }
  }
  if (looked.undecided !== undefined)
    return { judgedAs: 'inconclusive', reason: `not decided: ${looked.undecided.join('; ')}`, looked }
  if (looked.subjects.length < looked.atLeast) {
    return {
      judgedAs: 'inconclusive',
      reason: `looked at ${count}, needed ${looked.atLeast}: too few to judge`,
      looked,
    }
  }
  return { judgedAs: 'conforms', reason: `looked at ${count}, needed ${looked.atLeast}`, looked }
}

/** From what was judged to what is reported: phase, then dispute, then waiver. */
export function settle(
  verdict: Pick<Verdict, 'judgedAs' | 'reason' | 'disputed'>,
  claim: Claim,
  place: Place,
  { platform, now }: Pick<Judging, 'platform' | 'now'>,
): { outcome: Outcome; reason: string } {
  const { judgedAs, reason } = verdict
  const { phase } = platform.figures
  if (claim.phase > phase) {
    return {
      outcome: 'planned',
      reason: `belongs to phase ${claim.phase}, the platform is in phase ${phase}; today it ${already[judgedAs]} (${reason})`,
    }
  }
  if (judgedAs === 'deviates' && verdict.disputed && claim.dispute) {
    return { outcome: 'disputed', reason: `${claim.dispute.but} (${reason})` }
  }
  const waiver = judgedAs === 'deviates' ? activeWaiver(platform.waivers, claim.id, place, now) : undefined
  if (waiver) {
    return { outcome: 'waived', reason: `${waiver.justification} (${waiver.owner}, until ${waiver.until}; ${reason})` }
  }
  return { outcome: judgedAs, reason }
}

const already: Record<Result['judgedAs'], string> = {
  conforms: 'conforms already',
  deviates: 'does not conform yet',
  inconclusive: 'cannot be judged',
  unsupported: 'cannot be judged here',
}
