import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import type { ClusterSecretStore, ExternalSecret, ManagedSecret } from '../cluster/kinds/security.ts'
import { clusterSecretStores, externalSecrets, managedSecrets } from '../cluster/kinds/security.ts'
import type { ClusterName, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { ageMs, dayMs, goDurationMs, inWords } from './ages.ts'
import { conditionIs, conditionOf, expectedObjects, missing, nameOfExpected } from './objects.ts'

const providers = ['onepassword', 'onepasswordSDK']
const isOnePassword = ({ spec }: ClusterSecretStore) => providers.some((key) => spec.provider[key] !== undefined)

export const secretStoreValid = check({
  claim: 'SEC-01',
  fact: 'the store of secrets is 1Password, and its account works',
  reads: { stores: required(clusterSecretStores) },
  population: 'documented ClusterSecretStores',
  atLeast: 1,
  expected: `provider ${providers.join(' or ')}, Ready with the reason Valid`,
  subjects: ({ stores }, { names }) => {
    const { name } = names.customResources.secretStore
    const called = stores.some(({ metadata }) => metadata.name === name)
      ? name
      : (stores.find(isOnePassword)?.metadata.name ?? name)
    return expectedObjects('ClusterSecretStore', undefined, [called], stores)
  },
  name: nameOfExpected,
  holds: ({ found }) => {
    if (!found) return missing
    if (!isOnePassword(found)) return `is of the provider ${Object.keys(found.spec.provider).join(', ')}`
    const ready = conditionIs(found, 'Ready')
    if (ready !== true) return ready
    // A store that could not be validated is Ready too.
    const reason = conditionOf(found.status.conditions, 'Ready')?.reason
    return reason === 'Valid' || `is Ready with the reason ${reason ?? 'unset'}`
  },
})

/** One refresh may be under way or late; a second one that is missing was missed. */
const refreshes = 2
const once = ['CreatedOnce', 'OnChange']

function refreshFault({ spec, status }: ExternalSecret, now: Date): string | undefined {
  const interval = goDurationMs(spec.refreshInterval)
  if (once.includes(spec.refreshPolicy) || interval === 0)
    return 'is never refreshed, so a new value in 1Password never comes'
  if (interval === undefined) return `has the refreshInterval ${spec.refreshInterval}, which is none`
  const age = ageMs(status.refreshTime ?? undefined, now)
  if (age === undefined) return 'was never refreshed'
  return age <= refreshes * interval
    ? undefined
    : `was refreshed last ${inWords(age)} ago, every ${inWords(interval)} is planned`
}

export const secretsSynced = check({
  claim: 'SEC-01',
  fact: 'every ExternalSecret is in step with 1Password',
  reads: { secrets: required(externalSecrets), stores: required(clusterSecretStores) },
  population: 'ExternalSecrets',
  atLeast: 1,
  because: 'applications and backups need passwords',
  expected: 'of a store of 1Password, Ready by SecretSynced, refreshed in its interval',
  subjects: (read) => read.secrets,
  holds: (secret, { now }, { stores }) => {
    const { kind = 'none', name = '' } = secret.spec.secretStoreRef ?? {}
    const store = kind === 'ClusterSecretStore' ? stores.find(({ metadata }) => metadata.name === name) : undefined
    if (!store || !isOnePassword(store)) return `comes from ${kind} ${name}, which is no store of 1Password`
    const ready = conditionIs(secret, 'Ready')
    if (ready !== true) return ready
    const { reason, message } = conditionOf(secret.status.conditions, 'Ready') ?? {}
    if (reason !== 'SecretSynced') return `is Ready with the reason ${reason ?? 'unset'}`
    // An item that is gone in 1Password leaves the Secret as it was, and the same reason.
    if (/retained/.test(message ?? '')) return `is Ready, but: ${message}`
    return refreshFault(secret, now) ?? true
  },
})

/** What Linkerd, CloudNativePG and the bootstrap make by themselves is not from 1Password. */
const ownMakers = ['linkerdIssuer', 'linkCredentials', 'onepassword', 'postgresApp', 'talosItems']

type Documented = { names: string[]; namespace: string | undefined }

const documentedSecrets = (cluster: ClusterName, { secrets, ...names }: Names): Documented[] =>
  Object.entries(secrets).flatMap(([key, secret]) =>
    ownMakers.includes(key) || !('name' in secret) || (secret.cluster !== undefined && secret.cluster !== cluster)
      ? []
      : [
          {
            names: [secret.name, ...(secret.alternatives ?? [])],
            namespace:
              secret.namespace === undefined ? undefined : namespaceOf({ secrets, ...names }, secret.namespace),
          },
        ],
  )

export const documentedSecretsExternal = check({
  claim: 'SEC-01',
  fact: 'the documented Secrets are made from 1Password',
  reads: { secrets: required(externalSecrets) },
  population: 'documented Secrets',
  atLeast: 1,
  expected: 'an ExternalSecret in its namespace that makes it',
  subjects: (read, { names, cluster }) => (read.secrets.length === 0 ? [] : documentedSecrets(cluster, names)),
  name: ({ names: [name = ''], namespace }) => ({
    subject: `Secret ${namespace === undefined ? '' : `${namespace}/`}${name}`,
    look: 'get externalsecrets -A',
  }),
  holds: ({ names, namespace }, _, { secrets }) =>
    secrets.some(
      ({ metadata, spec }) =>
        names.includes(spec.target.name ?? metadata.name) &&
        (namespace === undefined || metadata.namespace === namespace),
    ) || 'is made by no ExternalSecret',
})

/** When somebody wrote a field of a Secret last: its values are at most as young. */
function lastWritten({ metadata }: ManagedSecret): string | undefined {
  const times = [metadata.creationTimestamp, ...metadata.managedFields.map(({ time }) => time)].flatMap(
    (time) => time ?? [],
  )
  return times.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1)
}

export const secretsRotated = check({
  claim: 'SEC-08',
  fact: 'no Secret from 1Password has gone without a change for longer than a quarter',
  // Nothing is to be rotated on a cluster without such Secrets, and nothing to be judged.
  reads: { secrets: managedSecrets, external: externalSecrets },
  population: 'Secrets that External Secrets keeps',
  atLeast: 1,
  because: 'applications and backups need passwords',
  expected: ({ figures }) => `written within ${figures.objectives.secretAge.maxDays} days, as its metadata tells`,
  subjects: ({ secrets, external }) => (external.length === 0 ? [] : secrets),
  holds: (secret, { figures, now }) => {
    const age = ageMs(lastWritten(secret), now)
    if (age === undefined) return 'does not say when it was written'
    return age <= figures.objectives.secretAge.maxDays * dayMs || `was written last ${inWords(age)} ago`
  },
})
