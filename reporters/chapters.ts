import { countOutcomes, type Counts, type Report, type ReportedClaim } from './report.ts'

export type Chapter = { chapter: string; claims: ReportedClaim[]; counts: Counts }

/** The claims by chapter, in the order of the report. */
export function chaptersOf({ claims }: Pick<Report, 'claims'>): Chapter[] {
  return [...Map.groupBy(claims, ({ chapter }) => chapter)].map(([chapter, grouped]) => ({
    chapter,
    claims: grouped,
    counts: countOutcomes(grouped.map(({ outcome }) => outcome)),
  }))
}
