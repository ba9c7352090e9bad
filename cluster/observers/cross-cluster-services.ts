import pRetry from 'p-retry'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { ClusterName, Names } from '../../platform/platform.ts'
import { namespaceOf } from '../../platform/platform.ts'
import { withPostgres } from '../clients/postgres.ts'
import { services } from '../kinds/core.ts'
import type { DataService, DataSession } from '../kinds/cross-cluster.ts'
import { accounts, accountSecrets } from '../kinds/cross-cluster.ts'
import type { Observer, Observing, Site } from '../observe.ts'
import type { ProbeRole } from '../probes/objects.ts'
import type { Probes } from '../probes/probes.ts'
import { NoSecret, readSecret, redact, withoutSecrets } from '../secrets.ts'
import type { DNSAnswer } from '../tunnel.ts'
import { dial, resolveFrom } from '../tunnel.ts'
import type { Witness } from './data-services.ts'
import { dragonflySession, minioSession, postgresSession, sessions } from './data-services.ts'

// Starting a command in a pod takes its time on a busy node.
const questionMs = 8_000
const witnessMs = 15_000

/**
 * Postgres, Dragonfly and MinIO by their real protocols, three times each, from a meshed probe: on infra by their own
 * names, on apps by those of their mirrors. A session with Postgres is also looked for from infra.
 */
export const observeDataServices: Observer = (observing) =>
  withoutSecrets(async () => {
    // A Secret that may not be read says so here, before anything is sent.
    for (const account of Object.values(accounts)) observing.sites.infra.list(account)
    const pod = aProbe(observing.probes, observing.here.cluster, 'meshed')
    return Promise.all(
      (['postgres', 'dragonfly', 'minio'] as const).map((service) => sessionsWith(service, pod, observing)),
    )
  })

/** A probe that is ready; the reasons of those that are not, when there is none. */
export function aProbe(probes: Probes | undefined, cluster: ClusterName, role: ProbeRole): string {
  if (!probes) throw new Error('needs probes')
  const { pods, notReady } = probes.on[cluster]
  const found = pods.find((pod) => pod.role === role)
  if (found) return found.name
  const reasons = notReady.filter((pod) => pod.role === role).map(({ name, reason }) => `${name} ${reason}`)
  throw new Error(`no ${role} probe got ready on ${cluster}: ${reasons.join('; ')}`)
}

const keyOf = { postgres: 'postgresPrimary', dragonfly: 'dragonfly', minio: 'minio' } as const

/** The Service by which a cluster reaches a data service. */
export function serviceOn(cluster: ClusterName, service: DataService, names: Names) {
  const own = names.services[keyOf[service]]
  const { name, namespace } = cluster === 'infra' ? { ...own, namespace: service } : names.mirroredServices[service]
  const where = namespaceOf(names, namespace)
  const port = own.port ?? { postgres: 5432, dragonfly: 6379, minio: 9000 }[service]
  return { name, namespace: where, host: `${name}.${where}.svc.${names.network.clusterDomain.name}`, port }
}

async function sessionsWith(service: DataService, pod: string, observing: Observing): Promise<DataSession> {
  const { here, names, deadline } = observing
  const { name, namespace, host, port } = serviceOn(here.cluster, service, names)
  const shortName = `${name}.svc.${names.network.clusterDomain.name}`
  const [resolved, short] = await Promise.all([
    resolve(here, pod, host, names, deadline),
    service === 'postgres' && here.cluster === 'apps'
      ? resolve(here, pod, shortName, names, deadline)
      : Promise.resolve(undefined),
  ])
  const item = {
    metadata: { name: service },
    service,
    of: `${namespace}/${name}`,
    probe: pod,
    resolved,
    ...(short === undefined ? {} : { shortName: short }),
  }
  try {
    return { ...item, ...(await run[service](observing, pod, { host, port })) }
  } catch (error) {
    if (!(error instanceof NoSecret)) throw error
    return { ...item, attempts: [{ outcome: 'unknown', detail: redact(error.message) }], facts: {} }
  }
}

/** The name as the cluster's own DNS knows it, with a dot at the end: no search list makes another one of it. */
export async function resolve(
  { connection, list }: Site,
  pod: string,
  name: string,
  names: Names,
  deadline: Deadline,
): Promise<DataSession['resolved']> {
  const dns = list(services).find(
    ({ metadata }) => metadata.name === 'kube-dns' && metadata.namespace === namespaceOf(names, 'system'),
  )?.spec.clusterIP
  if (dns === undefined) return { name, addresses: [], failure: 'there is no Service kube-dns to ask' }
  const once = (): Promise<DNSAnswer> => {
    const own = deadlineIn(questionMs, deadline.signal)
    return resolveFrom(() => dial({ connection, pod, host: dns, port: 53 }, own), name)
  }
  try {
    // As every resolver does: a server that is silent once is asked again.
    return { name, ...(await pRetry(once, { retries: 2, minTimeout: 0, signal: deadline.signal })) }
  } catch (error) {
    return { name, addresses: [], failure: `the DNS server at ${dns} gave no answer: ${messageOf(error)}` }
  }
}

type Address = { host: string; port: number }
type Ran = Promise<Pick<DataSession, 'attempts' | 'facts'>>

const run: Record<DataService, (observing: Observing, pod: string, address: Address) => Ran> = {
  postgres: async (observing, pod, address) => {
    const { here, sites, names, deadline } = observing
    const { username, password, dbname } = await readSecret(
      sites.infra.connection,
      accountSecrets.postgres(names),
      { secret: ['password'], telling: ['username', 'dbname'] },
      deadline,
    )
    const account = { user: username, password, database: dbname }
    const witness: Witness = async (applicationName) => {
      const own = deadlineIn(witnessMs, deadline.signal)
      const { host, port } = serviceOn('infra', 'postgres', names)
      const from = { connection: sites.infra.connection, pod: aProbe(observing.probes, 'infra', 'meshed'), host, port }
      return withPostgres(
        () => dial(from, own),
        { ...account, applicationName: 'conformance-witness', timeoutMs: witnessMs },
        async (query) => {
          const rows = await query('select 1 from pg_stat_activity where application_name = $1', [applicationName])
          return rows.length === 1
        },
      )
    }
    return sessions(
      (own) => dial({ connection: here.connection, pod, ...address }, own),
      deadline,
      (session) => postgresSession(session, account, here.cluster === 'apps' ? witness : undefined),
    )
  },
  dragonfly: async ({ here, sites, names, deadline }, pod, address) => {
    // Without a Secret there is no password, and the server says whether it wants one.
    const isGuarded = sites.infra.list(accounts.dragonfly).length > 0
    const { password } = isGuarded
      ? await readSecret(sites.infra.connection, accountSecrets.dragonfly(names), { secret: ['password'] }, deadline)
      : { password: undefined }
    return sessions(
      (own) => dial({ connection: here.connection, pod, ...address }, own),
      deadline,
      (session) => dragonflySession(session, { password }),
    )
  },
  minio: async ({ here, sites, names, deadline }, pod, address) => {
    const { rootUser, rootPassword } = await readSecret(
      sites.infra.connection,
      accountSecrets.minio(names),
      { secret: ['rootUser', 'rootPassword'] },
      deadline,
    )
    return sessions(
      (own) => dial({ connection: here.connection, pod, ...address }, own),
      deadline,
      (session) =>
        minioSession(session, {
          account: { accessKeyId: rootUser, secretAccessKey: rootPassword },
          host: `${address.host}:${address.port}`,
          // Of the same name in every run: what a killed one left is overwritten and removed by the next.
          bucket: `conformance-probes-${here.cluster}`,
          documentedBucket: names.buckets.gitlab.names[0] ?? names.buckets.postgres.name,
        }),
    )
  },
}
