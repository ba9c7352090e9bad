import type { ClusterName } from '../platform/platform.ts'
import type { AcrossQuestion, Check, ClusterContext, ClusterQuestion, Context, Readings } from './check.ts'
import { check } from './check.ts'
import type { Lists, Reads } from './source.ts'

type ClusterAbsence<R extends Reads, S> = ClusterQuestion<R, S> & {
  /** What was found on a subject that must not be there, or undefined. */
  detector: (subject: S, context: ClusterContext) => string | undefined
  /** Subjects on which the detector has to fire, at least one: real ones where the platform has some, else made up. */
  calibrate: (read: Lists<R>, context: ClusterContext) => readonly S[]
}
type AcrossAbsence<R extends Reads, S> = AcrossQuestion<R, S> & {
  detector: (subject: S, context: Context) => string | undefined
  calibrate: (read: Record<ClusterName, Lists<R>>, context: Context) => readonly S[]
}

/**
 * A check that something is nowhere to be found. "Found nothing" proves nothing about a detector that never fires,
 * so it is shown first what it has to find; when it misses that, the result is inconclusive.
 */
export function absent<R extends Reads, S>(definition: AcrossAbsence<R, S>): Check
export function absent<R extends Reads, S>(definition: ClusterAbsence<R, S>): Check
export function absent<R extends Reads, S>(definition: ClusterAbsence<R, S> | AcrossAbsence<R, S>): Check {
  if (definition.on === 'across') {
    const { detector, calibrate } = definition
    const inner = check<R, S>({ ...definition, holds: (subject, context) => detector(subject, context) ?? true })
    return calibrated(inner, (read, context) =>
      blindSpot(calibrate(read as Record<ClusterName, Lists<R>>, context), (subject) => detector(subject, context)),
    )
  }
  const { detector, calibrate } = definition
  const inner = check<R, S>({ ...definition, holds: (subject, context) => detector(subject, context) ?? true })
  return calibrated(inner, (read, context) => {
    if (!('cluster' in context)) throw new Error('an absence on one cluster was judged without a cluster')
    return blindSpot(calibrate(read[context.cluster] as Lists<R>, context), (subject) => detector(subject, context))
  })
}

const calibrated = (
  inner: Check,
  findBlindSpot: (read: Readings, context: ClusterContext | Context) => string | undefined,
): Check => ({
  ...inner,
  look: (read, context) => {
    const brokenDetector = findBlindSpot(read, context)
    return { ...inner.look(read, context), ...(brokenDetector === undefined ? {} : { brokenDetector }) }
  },
})

function blindSpot<S>(samples: readonly S[], detect: (sample: S) => string | undefined): string | undefined {
  if (samples.length === 0) return 'there was nothing to calibrate it with'
  const missed = samples.filter((sample) => detect(sample) === undefined).length
  return missed === 0 ? undefined : `it missed ${missed} of ${samples.length} samples that it has to find`
}
