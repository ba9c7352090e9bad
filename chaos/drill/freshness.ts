import type { Figures } from '../../platform/platform.ts'
import type { Verdict } from '../clocks/verdict.ts'
import type { DrillSummary } from './record.ts'

export type Tier = 1 | 2 | 3

const objectiveOfTier = { 1: 'tier1DrillInterval', 2: 'tier2DrillInterval', 3: 'tier3DrillInterval' } as const
const dayMs = 86_400_000

/** Whether a tier was drilled recently enough on a cluster. Records of other clusters, simulated and unfinished ones do not count. */
export function freshnessOf(
  tier: Tier,
  uid: string | undefined,
  records: readonly DrillSummary[],
  figures: Figures,
  now: Date,
): Verdict {
  const { maxDays } = figures.objectives[objectiveOfTier[tier]]
  if (uid === undefined)
    return { kind: 'inconclusive', reason: 'nobody knows which cluster this is: its UID cannot be read' }
  const ofTier = records.filter((record) => record.tier === tier)
  const counting = ofTier.filter(
    (record) =>
      record.uid === uid && !record.simulated && record.isComplete && Date.parse(record.endedAt) <= now.getTime(),
  )
  const newest = counting.toSorted((a, b) => Date.parse(b.endedAt) - Date.parse(a.endedAt))[0]
  if (!newest) return { kind: 'fail', reason: `no drill of tier ${tier} is on record here${whyNot(ofTier, uid)}` }
  const days = (now.getTime() - Date.parse(newest.endedAt)) / dayMs
  const when = `the newest drill of tier ${tier} ended ${days.toFixed(1)} days ago, at ${newest.endedAt}`
  return days <= maxDays
    ? { kind: 'pass', reason: `${when}; every ${maxDays} days are documented` }
    : { kind: 'fail', reason: `${when}: its record has expired after ${maxDays} days` }
}

function whyNot(records: readonly DrillSummary[], uid: string): string {
  const reasons = [
    [records.filter(({ simulated }) => simulated).length, 'simulated'],
    [records.filter((record) => record.uid !== uid).length, 'of another cluster'],
    [records.filter(({ isComplete }) => !isComplete).length, 'incomplete'],
  ] as const
  const said = reasons.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return said.length === 0 ? '' : `; of ${records.length} records are ${said.join(', ')}, which do not count`
}
