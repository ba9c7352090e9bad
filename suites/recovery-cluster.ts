import { check } from '../check/check.ts'
import { optional, required } from '../check/source.ts'
import type { BackupScope, VeleroBackup, VeleroSchedule } from '../cluster/kinds/backups.ts'
import { backupLocations, veleroBackups, veleroSchedules } from '../cluster/kinds/backups.ts'
import type { PersistentVolumeClaim } from '../cluster/kinds/storage.ts'
import { persistentVolumeClaims } from '../cluster/kinds/storage.ts'
import type { Figures, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { ageMs, dayMs, inWords, longestPauseMs } from './ages.ts'
import type { Expected } from './objects.ts'
import { missing, nameOfExpected } from './objects.ts'
import { isCache, isOfVolSync } from './storage-volumes.ts'

const intervalMs = ({ objectives }: Figures) => objectives.clusterBackupInterval.maxDays * dayMs

type List = readonly unknown[] | null | undefined
const isLimited = (list: List) => (list ?? []).length > 0 && !(list ?? []).includes('*')
const isSet = (list: List) => (list ?? []).length > 0

/** Why a backup does not take everything; undefined when it does. */
export function limitOf(scope: BackupScope): string | undefined {
  if (isLimited(scope.includedNamespaces)) return `takes only the namespaces ${scope.includedNamespaces?.join(', ')}`
  if (isSet(scope.excludedNamespaces)) return `leaves out the namespaces ${scope.excludedNamespaces?.join(', ')}`
  const only = [scope.includedResources, scope.includedNamespaceScopedResources, scope.includedClusterScopedResources]
  const limited = only.find(isLimited)
  if (limited) return `takes only the resources ${limited.join(', ')}`
  const without = [
    scope.excludedResources,
    scope.excludedNamespaceScopedResources,
    scope.excludedClusterScopedResources,
  ].find(isSet)
  if (without) return `leaves out the resources ${without.join(', ')}`
  if (scope.includeClusterResources === false) return 'leaves out what is in no namespace'
  return scope.labelSelector || isSet(scope.orLabelSelectors) ? 'takes only what a label selects' : undefined
}

type Schedules = { schedules: VeleroSchedule[] }

/** The weekly schedule: by its documented name, else by another one in use, else any that takes everything. */
function weekly({ schedules }: Schedules, names: Names): Expected<VeleroSchedule>[] {
  const { name, alternatives = [] } = names.customResources.veleroSchedule
  const byName = [name, ...alternatives].flatMap((one) => schedules.filter(({ metadata }) => metadata.name === one))
  const found = byName[0] ?? schedules.find(({ spec }) => limitOf(spec.template) === undefined)
  return [
    {
      kind: 'Schedule',
      namespace: found?.metadata.namespace ?? namespaceOf(names, 'velero'),
      name: found?.metadata.name ?? name,
      found,
    },
  ]
}

export const weeklySchedule = check({
  claim: 'DR-03',
  fact: 'a schedule of Velero takes a full backup at least every week',
  reads: { schedules: required(veleroSchedules) },
  population: 'documented schedules',
  atLeast: 1,
  expected: ({ figures }) =>
    `Enabled, not paused, at most ${figures.objectives.clusterBackupInterval.maxDays} days between two runs, of everything`,
  subjects: (read, { names }) => weekly(read, names),
  name: nameOfExpected,
  holds: ({ found }, { figures, now }) => {
    if (!found) return missing
    if (found.spec.paused) return 'is paused'
    if (found.status.phase !== 'Enabled') return `is ${found.status.phase ?? 'in no phase'}`
    const pause = longestPauseMs(found.spec.schedule, now)
    if (pause === undefined) return `has the schedule ${found.spec.schedule}, which is none`
    if (pause > intervalMs(figures)) return `has the schedule ${found.spec.schedule}, with pauses of ${inWords(pause)}`
    return limitOf(found.spec.template) ?? true
  },
})

const scheduleLabel = 'velero.io/schedule-name'
/** A run that takes longer hangs, and excuses nothing. */
const longestRunMs = dayMs
const runningPhases = ['InProgress', 'WaitingForPluginOperations', 'Finalizing']

const startedMs = ({ status }: VeleroBackup): number => Date.parse(status.startTimestamp ?? '')

/** The newest backup of a schedule that is complete, and when its successor was due: now, unless one is running. */
function newestOf(name: string, backups: readonly VeleroBackup[], now: Date) {
  const own = backups
    .filter(({ metadata }) => metadata.labels[scheduleLabel] === name)
    .filter((backup) => !Number.isNaN(startedMs(backup)))
    .toSorted((a, b) => startedMs(b) - startedMs(a))
  const running = own.find(
    (backup) => runningPhases.includes(backup.status.phase ?? '') && now.getTime() - startedMs(backup) <= longestRunMs,
  )
  return {
    newest: own.find(({ status }) => status.phase === 'Completed'),
    latest: own[0],
    due: running ? startedMs(running) : now.getTime(),
  }
}

export const weeklyBackup = check({
  claim: 'DR-03',
  fact: 'the newest complete full backup of Velero is at most a week old',
  reads: { schedules: required(veleroSchedules), backups: required(veleroBackups) },
  population: 'documented schedules',
  atLeast: 1,
  expected: ({ figures }) =>
    `a Backup that is Completed, of everything, without errors, begun at most ${figures.objectives.clusterBackupInterval.maxDays} days ago`,
  subjects: (read, { names }) => weekly(read, names),
  name: nameOfExpected,
  holds: ({ found, name }, { figures, now }, { backups }) => {
    if (!found) return missing
    const { newest, latest, due } = newestOf(name, backups, now)
    if (!newest) return `has no complete backup${latest ? `; the last is ${latest.status.phase ?? 'in no phase'}` : ''}`
    const age = due - startedMs(newest)
    const called = newest.metadata.name
    if (age > intervalMs(figures)) return `has ${called} as its newest complete backup, of ${inWords(age)} ago`
    if (newest.status.errors > 0) return `has ${called} with ${newest.status.errors} errors`
    const { totalItems = 0, itemsBackedUp = 0 } = newest.status.progress ?? {}
    if (itemsBackedUp === 0 || itemsBackedUp < totalItems)
      return `has ${called} with ${itemsBackedUp} of ${totalItems} items`
    const sinceExpiry = ageMs(newest.status.expiration, now)
    if (sinceExpiry !== undefined && sinceExpiry > 0) return `has ${called}, which expired ${inWords(sinceExpiry)} ago`
    const limit = limitOf(newest.spec)
    return limit === undefined || `has ${called}, which ${limit}`
  },
})

type Started = { claims: PersistentVolumeClaim[] }
const stateful = ({ claims }: Started, figures: Figures) =>
  claims.filter((claim) => !isCache(claim, figures) && !isOfVolSync(claim))

export const veleroBeforeState = check({
  claim: 'DR-13',
  fact: 'Velero was in place before there was state',
  reads: {
    claims: persistentVolumeClaims,
    schedules: required(veleroSchedules),
    backups: required(veleroBackups),
    locations: optional(backupLocations),
  },
  population: 'volumes with state',
  atLeast: 1,
  because: 'the platform keeps state in volumes',
  expected: 'made after the first schedule, place or backup of Velero',
  subjects: ({ schedules, claims }, { figures }) => (schedules.length === 0 ? [] : stateful({ claims }, figures)),
  holds: ({ metadata }, _, { schedules, backups, locations }) => {
    const made = Date.parse(metadata.creationTimestamp ?? '')
    const times = [
      ...[...schedules, ...locations].map((object) => Date.parse(object.metadata.creationTimestamp ?? '')),
      // A catalogue that was read in anew has young objects of old backups.
      ...backups.filter(({ status }) => status.phase === 'Completed').map(startedMs),
    ].filter((time) => !Number.isNaN(time))
    if (Number.isNaN(made) || times.length === 0) return 'cannot be compared: a time is missing'
    const since = Math.min(...times)
    return made >= since || `is ${inWords(since - made)} older than Velero`
  },
  // The plan itself puts Velero in its third phase, after metrics, logs and traces have begun to be kept.
  disputed: ({ metadata }, { names }) =>
    (['metrics', 'grafana', 'jaeger', 'logs'] as const).some((key) => namespaceOf(names, key) === metadata.namespace),
})
