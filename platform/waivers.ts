import { z } from 'zod'
import type { ClusterName } from './shapes.ts'
import { claimId, clusterName, day, text } from './shapes.ts'

const waiver = z.strictObject({
  claim: claimId,
  /** Every place where the claim is judged, when left out. */
  clusters: z.array(clusterName).min(1, 'infra, apps or both').optional(),
  justification: text,
  owner: text,
  /** The last day, in UTC. */
  until: day,
})

/** `waivers.yaml`. */
export const waiversSchema = z.array(waiver)
export type Waiver = z.infer<typeof waiver>

/** The waiver that covers a claim at a place today. A claim across both clusters needs one that names both of them, or none. */
export const activeWaiver = (
  waivers: readonly Waiver[],
  claim: string,
  place: ClusterName | 'across',
  now: Date,
): Waiver | undefined =>
  waivers.find((candidate) => candidate.claim === claim && covers(candidate, place) && !isExpired(candidate, now))

function covers({ clusters }: Waiver, place: ClusterName | 'across'): boolean {
  if (clusters === undefined) return true
  return place === 'across' ? clusters.includes('infra') && clusters.includes('apps') : clusters.includes(place)
}

const isExpired = ({ until }: Waiver, now: Date) => now.getTime() > Date.parse(`${until}T23:59:59Z`)
