import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import { settle } from '../../check/judge.ts'
import type { Result } from '../../check/result.ts'
import type { ClusterName, Platform } from '../../platform/platform.ts'
import type { Verdict } from '../clocks/verdict.ts'
import type { Field } from '../field.ts'
import { judgedAs } from '../results.ts'
import type { Tier } from './freshness.ts'
import { freshnessOf } from './freshness.ts'
import type { DrillSummary } from './record.ts'
import { recordsOn } from './store.ts'

const readMs = 15_000
const claimOfTier: Record<Tier, string> = { 1: 'DR-10', 2: 'DR-11', 3: 'DR-12' }
const tiers: readonly Tier[] = [1, 2, 3]
const clusters: readonly ClusterName[] = ['infra', 'apps']

export const plannedFreshness = tiers.flatMap((tier) =>
  clusters.map((cluster) => ({ claim: claimOfTier[tier], check: `${claimOfTier[tier]}/drillRecords`, cluster })),
)

/** Judges from the records in each cluster whether its drills are recent. */
export async function freshnessResults(
  field: Field,
  uids: Record<ClusterName, string | undefined>,
  now: Date,
): Promise<Result[]> {
  const results = await Promise.all(
    clusters.map(async (cluster) => {
      const records = await recordsOf(cluster, field)
      return tiers.map((tier) => {
        const verdict: Verdict =
          typeof records === 'string'
            ? { kind: 'inconclusive', reason: `the records of drills cannot be read: ${records}` }
            : freshnessOf(tier, uids[cluster], records, field.platform.figures, now)
        const looked = typeof records === 'string' ? 0 : records.length
        return freshnessResult(tier, cluster, { verdict, looked }, field.platform, now)
      })
    }),
  )
  return results.flat()
}

async function recordsOf(cluster: ClusterName, field: Field): Promise<DrillSummary[] | string> {
  try {
    return await recordsOn(field.connections[cluster], deadlineIn(readMs))
  } catch (error) {
    return messageOf(error)
  }
}

function freshnessResult(
  tier: Tier,
  cluster: ClusterName,
  { verdict, looked }: { verdict: Verdict; looked: number },
  platform: Platform,
  now: Date,
): Result {
  const id = claimOfTier[tier]
  const claim = platform.claims.find((candidate) => candidate.id === id)
  if (!claim) throw new Error(`claim ${id} is not in claims.yaml`)
  const seen = { judgedAs: judgedAs[verdict.kind], reason: verdict.reason, disputed: false }
  const { outcome, reason } = settle(seen, claim, cluster, { platform, now })
  return {
    claim: id,
    check: `${id}/drillRecords`,
    fact: `a complete drill of tier ${tier} of this very cluster is on record, and recent enough`,
    cluster,
    outcome,
    judgedAs: seen.judgedAs,
    reason,
    population: 'drill records',
    lookedAt: looked,
    needed: 1,
    expected: 'a record that has not expired',
    deviations:
      seen.judgedAs === 'deviates' ? [{ subject: `drills of tier ${tier}`, cluster, found: verdict.reason }] : [],
    figures: [],
    durationMs: 0,
    method: 'api',
  }
}
