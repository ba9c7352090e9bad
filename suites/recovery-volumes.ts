import type { Holding } from '../check/check.ts'
import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import type { ReplicationSource } from '../cluster/kinds/backups.ts'
import { replicationSources } from '../cluster/kinds/backups.ts'
import type { PersistentVolumeClaim } from '../cluster/kinds/storage.ts'
import { persistentVolumeClaims } from '../cluster/kinds/storage.ts'
import type { Figures } from '../platform/platform.ts'
import { ageMs, goDurationMs, hourMs, inWords, longestPauseMs } from './ages.ts'
import { conditionOf } from './objects.ts'
import { isCache } from './storage-volumes.ts'

const recoveryPointMs = ({ objectives }: Figures) => objectives.volumeRecoveryPoint.maxHours * hourMs

const sources = {
  claim: 'DR-01',
  reads: { sources: required(replicationSources) },
  population: 'ReplicationSources',
  atLeast: 1,
  because: 'the platform keeps state in volumes',
  subjects: (read: { sources: ReplicationSource[] }) => read.sources,
}

export const copiesScheduled = check({
  ...sources,
  fact: 'every volume that VolSync copies is copied by a schedule that keeps to the recovery point',
  expected: ({ figures }) =>
    `a schedule without a pause above ${figures.objectives.volumeRecoveryPoint.maxHours} h, not paused`,
  holds: ({ spec }, { figures, now }) => {
    if (spec.paused) return 'is paused'
    const { schedule, manual } = spec.trigger
    if (manual !== undefined) return 'is triggered by hand, which rules out its schedule'
    if (schedule === undefined) return 'has no schedule'
    const pause = longestPauseMs(schedule, now)
    if (pause === undefined) return `has the schedule ${schedule}, which is none`
    return pause <= recoveryPointMs(figures) || `has the schedule ${schedule}, with pauses of ${inWords(pause)}`
  },
})

/** How old the data of the last good copy is: a copy holds what was there when it began. */
function dataAgeMs({ status }: ReplicationSource, now: Date): { age: number; duration: number } | undefined {
  const sinceEnd = ageMs(status.lastSyncTime, now)
  const duration = goDurationMs(status.lastSyncDuration)
  return sinceEnd === undefined || duration === undefined ? undefined : { age: sinceEnd + duration, duration }
}

function copyFault(source: ReplicationSource): string | undefined {
  const result = source.status.latestMoverStatus?.result
  const synchronizing = conditionOf(source.status.conditions, 'Synchronizing')
  if (synchronizing?.reason === 'Error') return `cannot synchronize: ${synchronizing.message ?? ''}`
  if (result !== 'Successful') return `ended its last copy ${result ?? 'in no known way'}`
  return undefined
}

export const copiesFresh = check({
  ...sources,
  fact: 'the last copy of every volume succeeded and is within the recovery point',
  expected: ({ figures }) =>
    `the last mover Successful, its data at most ${figures.objectives.volumeRecoveryPoint.maxHours} h old`,
  holds: (source, { figures, now }): Holding => {
    const fault = copyFault(source)
    if (fault !== undefined) return fault
    const data = dataAgeMs(source, now)
    if (data === undefined) return 'does not say when its last copy was made and how long that took'
    return data.age <= recoveryPointMs(figures) || `has a copy of what was there ${inWords(data.age)} ago`
  },
  // A schedule of six hours is over the point by the length of a copy, every time: the document does not count it.
  disputed: (source, { figures, now }) => {
    const data = dataAgeMs(source, now)
    return copyFault(source) === undefined && data !== undefined && data.age - data.duration <= recoveryPointMs(figures)
  },
})

/** What keeps a volume safe other than VolSync, by its labels. */
const keptOtherwise = ({ metadata }: PersistentVolumeClaim, { storage }: Figures): boolean =>
  storage.otherwiseKept.some(({ label, value }) => {
    const own = metadata.labels[label]
    return own !== undefined && (value === undefined || own === value)
  })

export const everyVolumeCopied = check({
  claim: 'DR-02',
  fact: 'every volume with state is copied by VolSync',
  reads: { claims: persistentVolumeClaims, sources: required(replicationSources) },
  population: 'volumes that are no cache and not kept safe otherwise',
  atLeast: 1,
  because: 'the platform keeps state in volumes',
  expected: 'a ReplicationSource in its namespace that names it',
  subjects: ({ claims }, { figures }) =>
    claims.filter((claim) => !isCache(claim, figures) && !keptOtherwise(claim, figures)),
  holds: ({ metadata }, _, read) =>
    read.sources.some(
      (source) => source.spec.sourcePVC === metadata.name && source.metadata.namespace === metadata.namespace,
    ) || 'is copied by nothing',
  // Local volumes have no snapshots that could be copied.
  disputed: ({ spec }, { names }) =>
    [names.storageClasses.local.name, ...(names.storageClasses.local.alternatives ?? [])].includes(
      spec.storageClassName ?? '',
    ),
})
