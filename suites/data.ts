import semver from 'semver'
import type { Holding } from '../check/check.ts'
import { check } from '../check/check.ts'
import type { DataSession } from '../cluster/kinds/cross-cluster.ts'
import { pods } from '../cluster/kinds/core.ts'
import { dataSessions } from '../cluster/kinds/cross-cluster.ts'
import type { Figures } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { isImage } from './images.ts'
import { isRunning } from './objects.ts'
import { answersEveryTime, nameOfSession } from './sessions.ts'

const common = {
  on: 'infra' as const,
  reads: { sessions: dataSessions },
  atLeast: 1,
  name: nameOfSession,
}

const sessionsWith = (service: DataSession['service']) => (read: { sessions: DataSession[] }) =>
  read.sessions.filter((session) => session.service === service)

function hasDocumentedMajor(session: DataSession, { versions }: Figures): Holding {
  const answers = answersEveryTime(session)
  if (answers !== true) return answers
  const { version } = session.facts
  if (version === undefined) return 'did not tell its version'
  const major = semver.coerce(version)?.major
  return String(major) === String(versions.postgres.equals) || `runs version ${version}`
}

const versionTold = {
  ...common,
  population: 'Postgres services, each asked three times',
  expected: ({ figures }: { figures: Figures }) => `server_version ${figures.versions.postgres.equals}.x`,
  subjects: sessionsWith('postgres'),
  holds: (session: DataSession, { figures }: { figures: Figures }) => hasDocumentedMajor(session, figures),
}

export const postgresTellsDocumentedVersion = check({
  ...versionTold,
  claim: 'DATA-03',
  fact: 'Postgres itself tells the documented major version',
})

export const postgresServerVersion = check({
  ...versionTold,
  claim: 'VER-05',
  fact: 'the running Postgres server has the documented major version',
})

export const dragonflyAnswersCommands = check({
  ...common,
  claim: 'DATA-05',
  fact: 'the cache of infra answers Redis commands, keeps a key and lets it expire',
  population: 'cache services, each used three times',
  expected: 'PING, SET with an expiry, GET, TTL and DEL answered, three times in a row',
  // Which program it is, cacheIsDragonfly judges: many speak the protocol.
  compare: ({ sessions }) =>
    sessionsWith('dragonfly')({ sessions }).map(({ facts }) => ({
      name: 'server',
      unit: 'name and version, as it tells them itself',
      documented: 'Dragonfly',
      observed: facts.server ?? 'told nothing',
    })),
  subjects: sessionsWith('dragonfly'),
  holds: answersEveryTime,
})

/** Any server that speaks the protocol answers Redis commands; which one it is, its image says. */
export const cacheIsDragonfly = check({
  claim: 'DATA-05',
  on: 'infra',
  fact: 'the cache of infra runs the image of Dragonfly',
  reads: { pods },
  population: 'running pods of the cache',
  atLeast: 1,
  expected: 'a container with the image of Dragonfly',
  subjects: (read, { names }) =>
    read.pods.filter(
      (pod) =>
        isRunning(pod) &&
        pod.metadata.namespace === namespaceOf(names, 'dragonfly') &&
        pod.metadata.name.startsWith(`${names.workloads.dragonfly.name}-`),
    ),
  holds: (pod, { figures }) => {
    const known = figures.components.find(({ id }) => id === 'dragonfly')?.images ?? []
    const own = pod.spec.containers.map(({ image }) => image)
    return own.some((image) => known.some((end) => isImage(image, end))) || `runs ${own.join(', ')}`
  },
})

export const minioServesObjects = check({
  ...common,
  claim: 'DATA-06',
  fact: 'MinIO of infra is healthy and serves S3',
  population: 'object stores, each used three times',
  expected: '/minio/health/cluster 200, and an object put, got back the same and deleted, three times in a row',
  subjects: sessionsWith('minio'),
  holds: answersEveryTime,
})
