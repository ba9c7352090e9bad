import type { Result } from '../check/result.ts'
import type { Snapshot } from '../check/source.ts'
import type { Claim, ClusterName } from '../platform/platform.ts'
import type { Filter } from './plan.ts'

/** What main.ts hands to the judging tests. */
export type ConformanceRun = {
  snapshot: Snapshot
  filter: Filter
  /** ISO 8601; ages are judged against the time of the snapshot. */
  now: string
  contexts: Record<ClusterName, string>
}

declare module 'vitest' {
  interface ProvidedContext {
    conformance: ConformanceRun
  }
  interface TaskMeta {
    conformance?: {
      result: Result
      claim: Claim
      chapter: string
      subjects: { subject: string; cluster: string; holds: true | string }[]
    }
  }
}
