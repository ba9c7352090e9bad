import type { AcrossQuestion, Check, ClusterContext, ClusterQuestion, Context, Holding, Readings } from './check.ts'
import { check } from './check.ts'
import type { ClusterName } from '../platform/platform.ts'
import type { Lists, Reads } from './source.ts'

/** Like `Holding`, or that the measurement cannot tell, and what it would take: `p99 lies between 1.02 and 1.31; about 12 more blocks`. */
export type Measured = Holding | { undecided: string }

type ClusterMeasurement<R extends Reads, S> = ClusterQuestion<R, S> & {
  decides: (subject: S, context: ClusterContext, read: Lists<R>) => Measured
}
type AcrossMeasurement<R extends Reads, S> = AcrossQuestion<R, S> & {
  decides: (subject: S, context: Context, read: Record<ClusterName, Lists<R>>) => Measured
}

/**
 * A check on measurements. What is too uncertain is not looked at, so it can make no result green or red: without a
 * deviation elsewhere the result is inconclusive, and says what was not decided.
 */
export function measured<R extends Reads, S>(definition: AcrossMeasurement<R, S>): Check
export function measured<R extends Reads, S>(definition: ClusterMeasurement<R, S>): Check
export function measured<R extends Reads, S>(definition: ClusterMeasurement<R, S> | AcrossMeasurement<R, S>): Check {
  if (definition.on === 'across') {
    const { decides, subjects } = definition
    const inner = check<R, S>({
      ...definition,
      subjects: (read, context) => subjects(read, context).filter((one) => isDecided(decides(one, context, read))),
      holds: (subject, context, read) => holdingOf(decides(subject, context, read)),
    })
    return withUndecided(inner, (readings, context) => {
      const read = readings as Record<ClusterName, Lists<R>>
      return subjects(read, context).map((one) => decides(one, context, read))
    })
  }
  const { decides, subjects } = definition
  const inner = check<R, S>({
    ...definition,
    subjects: (read, context) => subjects(read, context).filter((one) => isDecided(decides(one, context, read))),
    holds: (subject, context, read) => holdingOf(decides(subject, context, read)),
  })
  return withUndecided(inner, (readings, context) => {
    if (!('cluster' in context)) throw new Error('a measurement of one cluster was judged without a cluster')
    const read = readings[context.cluster] as Lists<R>
    return subjects(read, context).map((one) => decides(one, context, read))
  })
}

const isDecided = (one: Measured): one is Holding => typeof one !== 'object'
const holdingOf = (one: Measured): Holding => (isDecided(one) ? one : one.undecided)

const withUndecided = (
  inner: Check,
  all: (readings: Readings, context: ClusterContext | Context) => Measured[],
): Check => ({
  ...inner,
  look: (readings, context) => {
    const undecided = all(readings, context).flatMap((one) => (isDecided(one) ? [] : [one.undecided]))
    return { ...inner.look(readings, context), ...(undecided.length === 0 ? {} : { undecided }) }
  },
})
