import { z } from 'zod'
import type { Source } from '../../check/source.ts'
import type { Names } from '../../platform/platform.ts'
import { namespaceOf } from '../../platform/platform.ts'
import { services } from './core.ts'
import { metadata } from './object.ts'
import { attempt, observation } from './observations.ts'
import { links } from './platform.ts'

type Where = { namespace: string; name: string }

/** Where the accounts of the data services are kept, on infra. */
export const accountSecrets = {
  postgres: (names: Names): Where => ({
    namespace: namespaceOf(names, 'postgres'),
    name: names.secrets.postgresApp.name,
  }),
  dragonfly: (names: Names): Where => ({
    namespace: namespaceOf(names, 'dragonfly'),
    name: names.secrets.dragonfly.name,
  }),
  // The chart gives the Secret of the root account the name of the Service.
  minio: (names: Names): Where => ({ namespace: namespaceOf(names, 'minio'), name: names.services.minio.name }),
}
export type DataService = keyof typeof accountSecrets

/** Whether the Secret is there and may be read. This is its metadata alone: no value of it is in a snapshot. */
const accountOf = (service: DataService): Source<{ metadata: z.infer<typeof metadata> }> => ({
  id: `account-${service}`,
  what: `Secrets of the ${service} account`,
  schema: z.object({ metadata }),
  from: {
    type: 'get',
    cluster: 'infra',
    metadataOnly: true,
    path: (names) => {
      const { namespace, name } = accountSecrets[service](names)
      return `/api/v1/namespaces/${namespace}/secrets/${name}`
    },
  },
})
export const accounts = {
  postgres: accountOf('postgres'),
  dragonfly: accountOf('dragonfly'),
  minio: accountOf('minio'),
}

const dnsAnswer = z.object({
  name: z.string(),
  /** NOERROR, NXDOMAIN, ...; absent when no answer came. */
  rcode: z.string().optional(),
  addresses: z.array(z.string()).default([]),
  failure: z.string().optional(),
})

/** What a session found out about the server that it ended at. */
const serverFacts = z.object({
  /** Postgres: `server_version`. */
  version: z.string().optional(),
  database: z.string().optional(),
  isInRecovery: z.boolean().optional(),
  /** The address on which the server took the session; absent where it told none. */
  address: z.string().optional(),
  /** Whether a second session, opened on infra, saw this one by its name. */
  seenOnInfra: z.boolean().optional(),
  /** Dragonfly: what `INFO server` calls it, such as `dragonfly v1.34.1`. */
  server: z.string().optional(),
  /** MinIO: the bucket that was written to, and why it is not one of the probe's own. */
  bucket: z.string().optional(),
  bucketBecause: z.string().optional(),
  /** MinIO: the status of `/minio/health/cluster`. */
  health: z.number().optional(),
})

/**
 * Sessions of real clients with the data services, from a meshed probe: on infra with the Service itself, on apps with
 * its mirror. Nothing but the host name differs.
 */
export const dataSessions = observation(
  'cross-cluster-services',
  'sessions with the data services',
  z.object({
    /** `postgres`, `dragonfly`, `minio`. */
    metadata: z.object({ name: z.string() }),
    service: z.enum(['postgres', 'dragonfly', 'minio']),
    /** Namespace and name of the Service that was used. */
    of: z.string(),
    probe: z.string(),
    resolved: dnsAnswer,
    /** The name without a namespace, as the document writes it; asked for Postgres on apps only. */
    shortName: dnsAnswer.optional(),
    attempts: z.array(attempt),
    facts: serverFacts,
  }),
  {
    method: 'exec',
    needsProbes: true,
    needs: [services, accounts.postgres, accounts.dragonfly, accounts.minio],
  },
)
export type DataSession = z.infer<typeof dataSessions.schema>

/** Knocks at doors that only the mesh may open: by a stranger, and at the same time by a probe that belongs to it. */
export const strangers = observation(
  'strangers',
  'connections of strangers',
  z.object({
    /** For example `plain probe to postgres-rw-infra`. */
    metadata: z.object({ name: z.string() }),
    from: z.object({ role: z.enum(['meshed', 'plain']), pod: z.string() }),
    to: z.object({
      what: z.enum(['service', 'gateway']),
      name: z.string(),
      port: z.number(),
      /** How it was spoken to. */
      by: z.enum(['greeting', 'plain text', 'TLS 1.3', 'TLS 1.2', 'certificate of a stranger']),
    }),
    attempt,
    /** What the other side gave away: bytes of an application, behind the handshake where there was one. */
    bytes: z.number(),
    /** The version that a handshake ended with. */
    tls: z.string().optional(),
  }),
  { method: 'exec', needsProbes: true, needs: [services, links], cluster: 'apps' },
)
export type Knock = z.infer<typeof strangers.schema>

/** A Service of the run, exported on infra, changed and taken back, and what apps made of it. */
export const exportedService = observation(
  'exported-service',
  'steps of an export',
  z.object({
    metadata: z.object({ name: z.enum(['appears', 'follows a port', 'goes']) }),
    service: z.string(),
    outcome: z.enum(['followed', 'not in time', 'not tried']),
    detail: z.string(),
    tookMs: z.number(),
    /** How long was waited for it. */
    patienceMs: z.number(),
  }),
  { method: 'exec', needsProbes: true, needs: [], cluster: 'apps' },
)
export type ExportStep = z.infer<typeof exportedService.schema>
