import { check } from '../check/check.ts'
import { optional, required } from '../check/source.ts'
import { daemonSets, deployments, nodes, statefulSets } from '../cluster/kinds/core.ts'
import type { PostgresCluster } from '../cluster/kinds/databases.ts'
import {
  postgresBackups,
  postgresClusters,
  postgresObjectStores,
  postgresSchedules,
} from '../cluster/kinds/databases.ts'
import type { Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { dayMs, inWords, longestPauseMs } from './ages.ts'
import type { Expected } from './objects.ts'
import { conditionIs, expectedObjects, missing, nameOfExpected } from './objects.ts'
import { isStore, postgresTargets } from './recovery-targets.ts'
import { componentHealth } from './workloads.ts'

/** The documented cluster of Postgres: by its name, else by another one in use. */
function documented({ clusters }: { clusters: PostgresCluster[] }, names: Names): Expected<PostgresCluster>[] {
  const { name, alternatives = [] } = names.customResources.postgresCluster
  const called = [name, ...alternatives].find((one) => clusters.some(({ metadata }) => metadata.name === one)) ?? name
  return expectedObjects('Cluster', namespaceOf(names, 'postgres'), [called], clusters)
}

const cluster = {
  on: 'infra' as const,
  population: 'documented clusters of Postgres',
  atLeast: 1,
  subjects: (read: { clusters: PostgresCluster[] }, { names }: { names: Names }) => documented(read, names),
  name: ({ kind, namespace, name, found }: Expected<PostgresCluster>) => ({
    ...nameOfExpected({ kind, name, found, ...(namespace === undefined ? {} : { namespace }) }),
    // Other software has a kind Cluster too.
    look: `-n ${namespace ?? ''} get clusters.postgresql.cnpg.io ${name} -o yaml`,
  }),
}

export const postgresHealthy = check({
  ...cluster,
  claim: 'DATA-02',
  fact: 'the cluster of CloudNativePG is healthy, with all of its instances and a settled primary',
  reads: { clusters: required(postgresClusters) },
  expected: 'Cluster in healthy state, every instance ready, the current primary the wanted one',
  holds: ({ found }) => {
    if (!found) return missing
    const { metadata, spec, status } = found
    if (metadata.annotations['cnpg.io/hibernation'] === 'on') return 'hibernates'
    const fenced = metadata.annotations['cnpg.io/fencedInstances'] ?? '[]'
    if (fenced !== '[]' && fenced !== '') return `fences ${fenced}`
    if (status.phase !== 'Cluster in healthy state') return `is in the phase ${status.phase ?? 'unset'}`
    if (status.readyInstances !== spec.instances)
      return `has ${status.readyInstances} of ${spec.instances} instances ready`
    const { currentPrimary, targetPrimary } = status
    if (currentPrimary === undefined) return 'has no primary'
    if (currentPrimary !== targetPrimary) return `has the primary ${currentPrimary}, wants ${targetPrimary ?? 'none'}`
    return conditionIs(found, 'Ready')
  },
})

const operatorImage = 'cloudnative-pg/cloudnative-pg'

export const postgresOperatorRuns = check({
  claim: 'DATA-02',
  on: 'infra',
  fact: 'the operator of CloudNativePG is available on infra',
  reads: { deployments, statefulSets, daemonSets, nodes },
  population: 'operators of Postgres',
  atLeast: 1,
  expected: `an available workload of the image ${operatorImage}`,
  subjects: (_, { figures }) =>
    figures.components
      .filter(({ id }) => id === 'cloudnative-pg')
      .map((component) => ({ ...component, name: `the operator of ${component.name}`, images: [operatorImage] })),
  name: ({ name }) => ({ subject: name, look: 'get deployments -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})

const backedUp = { clusters: required(postgresClusters), stores: optional(postgresObjectStores) }

export const postgresBackupTarget = check({
  ...cluster,
  claim: 'DATA-04',
  fact: 'the cluster of Postgres has MinIO as the target of its backups',
  reads: backedUp,
  expected: 'an object store of CloudNativePG, or of its plugin as archiver of the log, at MinIO',
  holds: ({ found }, { names }, { stores }) => {
    if (!found) return missing
    const targets = postgresTargets([found], stores)
    if (targets.length === 0) return 'names no object store, so what it archives goes nowhere'
    const elsewhere = targets.find(({ endpoint }) => !isStore(endpoint, names))
    if (elsewhere) return `writes to ${elsewhere.endpoint ?? 'no endpoint'}`
    const archives = found.spec.backup.barmanObjectStore !== undefined
    return (
      archives || found.spec.plugins.some(({ isWALArchiver }) => isWALArchiver) || 'archives no log through its plugin'
    )
  },
})

/** True also where nothing is archived to: the target is the other check's subject. */
export const logArchived = check({
  ...cluster,
  claim: 'DATA-04',
  fact: 'Postgres archives its log continuously',
  reads: backedUp,
  expected: 'a target, and the condition ContinuousArchiving',
  holds: ({ found }, _, { stores }) => {
    if (!found) return missing
    if (postgresTargets([found], stores).length === 0) return 'has no target to archive to'
    return conditionIs(found, 'ContinuousArchiving')
  },
})

/** Methods that write to an object store; a snapshot stays in the cluster. */
const toObjectStore = ['barmanObjectStore', 'plugin']
const runningPhases = ['pending', 'started', 'running', 'finalizing']

export const baseBackups = check({
  ...cluster,
  claim: 'DATA-04',
  fact: 'base backups of Postgres are made by a schedule, and the last one that was due is complete',
  reads: {
    clusters: required(postgresClusters),
    schedules: required(postgresSchedules),
    backups: required(postgresBackups),
  },
  expected: 'a ScheduledBackup to an object store that is not suspended, and a complete Backup of its last run',
  holds: ({ found }, { now }, { schedules, backups }) => {
    if (!found) return missing
    const { name, namespace } = found.metadata
    const isOwn = (one: { metadata: { namespace?: string | undefined }; spec: { cluster: { name: string } } }) =>
      one.metadata.namespace === namespace && one.spec.cluster.name === name
    const active = schedules.filter((one) => isOwn(one) && !one.spec.suspend)
    const schedule = active.find(({ spec }) => toObjectStore.includes(spec.method))
    if (!schedule)
      return active[0]
        ? `is backed up by the method ${active[0].spec.method} only`
        : 'has no schedule that is not suspended'
    const pause = longestPauseMs(schedule.spec.schedule, now)
    if (pause === undefined) return `has the schedule ${schedule.spec.schedule}, which is none`
    const own = backups
      .filter((one) => isOwn(one) && !Number.isNaN(Date.parse(one.status.startedAt ?? '')))
      .map(({ status }) => ({ phase: status.phase ?? 'unset', started: Date.parse(status.startedAt ?? '') }))
      .toSorted((a, b) => b.started - a.started)
    const complete = own.find(({ phase }) => phase === 'completed')
    if (!complete) return `has no complete backup${own[0] ? `; the last is ${own[0].phase}` : ''}`
    const running = own.find(({ phase, started }) => runningPhases.includes(phase) && now.getTime() - started < dayMs)
    const age = (running?.started ?? now.getTime()) - complete.started
    return age <= pause || `has its last complete backup from ${inWords(age)} ago, ${inWords(pause)} are planned`
  },
})
