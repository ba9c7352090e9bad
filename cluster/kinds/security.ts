import { z } from 'zod'
import type { Source } from '../../check/source.ts'
import { conditioned, kind } from './object.ts'

const externalSecretsGroup = { group: 'external-secrets.io', version: ['v1', 'v1beta1'] }
const provider = z.record(z.string(), z.unknown())

export const clusterSecretStores = kind(
  { ...externalSecretsGroup, plural: 'clustersecretstores', kind: 'ClusterSecretStore' },
  { spec: z.object({ provider }), status: conditioned.default({ conditions: [] }) },
)
export type ClusterSecretStore = z.infer<typeof clusterSecretStores.schema>

export const externalSecrets = kind(
  { ...externalSecretsGroup, plural: 'externalsecrets', kind: 'ExternalSecret' },
  {
    spec: z.object({
      secretStoreRef: z.object({ kind: z.string().default('SecretStore'), name: z.string().default('') }).optional(),
      /** A Go duration; `0` means once. */
      refreshInterval: z.string().default('1h0m0s'),
      refreshPolicy: z.string().default('Periodic'),
      /** The Secret that is made; it has the name of the object when left out. */
      target: z.object({ name: z.string().optional() }).default({}),
    }),
    status: conditioned.extend({ refreshTime: z.string().nullish() }).default({ conditions: [] }),
  },
)
export type ExternalSecret = z.infer<typeof externalSecrets.schema>

const managedSecret = z.object({
  kind: z.string().default('Secret'),
  // No annotations: kubectl keeps a copy of what it applied in one of them.
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    creationTimestamp: z.string().optional(),
    /** Who wrote fields of the Secret, and when last. */
    managedFields: z.array(z.object({ manager: z.string().default(''), time: z.string().optional() })).default([]),
  }),
})
/** The metadata of the Secrets that the External Secrets Operator keeps. Their values are never asked for. */
export const managedSecrets: Source<z.infer<typeof managedSecret>> = {
  id: 'managed-secrets',
  what: 'Secrets of the External Secrets Operator',
  schema: managedSecret,
  from: {
    type: 'list',
    group: '',
    versions: ['v1'],
    plural: 'secrets',
    kind: 'Secret',
    metadataOnly: true,
    labelSelector: 'reconcile.external-secrets.io/managed=true',
  },
}
export type ManagedSecret = z.infer<typeof managedSecret>

const certManager = { group: 'cert-manager.io', version: 'v1' }

export const clusterIssuers = kind(
  { ...certManager, plural: 'clusterissuers', kind: 'ClusterIssuer' },
  {
    spec: z.object({ acme: z.object({ server: z.string() }).optional() }),
    status: conditioned.default({ conditions: [] }),
  },
)

export const certificates = kind(
  { ...certManager, plural: 'certificates', kind: 'Certificate' },
  {
    spec: z.object({
      dnsNames: z.array(z.string()).default([]),
      issuerRef: z.object({ kind: z.string().default('Issuer'), name: z.string() }),
    }),
    status: conditioned
      .extend({
        notAfter: z.string().optional(),
        renewalTime: z.string().optional(),
        failedIssuanceAttempts: z.number().default(0),
      })
      .default({ conditions: [], failedIssuanceAttempts: 0 }),
  },
)
export type Certificate = z.infer<typeof certificates.schema>
