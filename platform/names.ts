import { z } from 'zod'
import { clusterName, lines, text } from './shapes.ts'

const namespaceKeys = [
  'system',
  'linkerd',
  'linkerdMulticluster',
  'linkerdViz',
  'linkerdSMI',
  'flux',
  'postgres',
  'postgresOperator',
  'dragonfly',
  'minio',
  'keycloak',
  'metrics',
  'grafana',
  'gatus',
  'kromgo',
  'jaeger',
  'logs',
  'rookCeph',
  'openebs',
  'externalSecrets',
  'certManager',
  'velero',
  'volsync',
  'runners',
  'externalDNS',
  'gitlab',
  'harbor',
  'mattermost',
  'demo',
  'gateway',
] as const
type NamespaceKey = (typeof namespaceKeys)[number]

const serviceKeys = [
  'postgresPrimary',
  'postgresReadOnly',
  'dragonfly',
  'minio',
  'backupObjectStore',
  'keycloak',
  'jaegerQuery',
  'jaegerCollector',
  'metricsWrite',
  'metricsQuery',
  'alertmanager',
  'alertRules',
  'grafana',
  'gatus',
  'kromgo',
  'logs',
  'linkerdGateway',
  'vizWeb',
] as const

/** What every entry may say besides the name itself. */
const about = {
  /** Whether the document itself gives the name; else a companion document or the software's own default does. */
  seed: z.boolean(),
  lines: lines.optional(),
  /** Other names in use, in order of preference. */
  alternatives: z.array(text).optional(),
  /** Where it is; on both clusters when left out. */
  cluster: z.enum([...clusterName.options, 'outside']).optional(),
  /** How to find it when it has another name. */
  detect: text.optional(),
  /** Whether the platform can do without it. */
  optional: z.boolean().optional(),
}
const port = z.int().min(1, 'a port').max(65_535, 'a port')
const namespace = z.enum(namespaceKeys)

const name = { name: text, ...about }
const names = { names: z.array(text).min(1, 'at least one name'), ...about }
const named = z.strictObject(name)
const object = { kind: text, namespace: namespace.optional() }
const workload = z.strictObject({ ...name, ...object })
const customResource = z.strictObject({ ...name, ...object })
const severalObjects = z.strictObject({ ...names, ...object })
const service = z.strictObject({
  ...name,
  namespace: namespace.optional(),
  port: port.optional(),
  ports: z.record(text, port).optional(),
})
/** `of`: the Service that it mirrors. */
const mirroredService = z.strictObject({ ...name, namespace, of: z.enum(serviceKeys) })
const secret = z.strictObject({ ...name, namespace: namespace.optional(), alsoIn: z.array(namespace).optional() })
const keyed = z.strictObject({ key: text, value: text.optional(), ...about })
const severalKeys = z.strictObject({ keys: z.array(text).min(1, 'at least one key'), ...about })
/** The name is a figure as well: `clusters.<cluster>.endpoint.host`. */
const endpoint = z.strictObject({ name: text, alternatives: z.array(text).optional() })

/** The same schema under each of these keys; any other key is an error. */
const each = <K extends string, S extends z.ZodType>(schema: S, ...keys: readonly K[]) =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets which keys it was given
  Object.fromEntries(keys.map((key) => [key, schema])) as Record<K, S>

const workloads = z.strictObject({
  ...each(
    workload,
    'cilium',
    'ciliumOperator',
    'hubbleRelay',
    'linkerdIdentity',
    'linkerdDestination',
    'linkerdProxyInjector',
    'linkerdCNI',
    'linkerdGateway',
    'vizMetricsApi',
    'vizTap',
    'vizTapInjector',
    'vizWeb',
    'vizPrometheus',
    'smiAdaptor',
    'silenceOperator',
    'cephTools',
    'dragonfly',
    'keycloak',
    'jaeger',
    'fluentBit',
    'cloudflared',
    'gitlab',
  ),
  fluxControllers: severalObjects,
})

const customResources = z.strictObject({
  ...each(
    customResource,
    'ciliumConfig',
    'cephCluster',
    'cephBlockPool',
    'postgresCluster',
    'postgresBackup',
    'metricsCluster',
    'metricsAgentInfra',
    'metricsAgentApps',
    'alertRules',
    'secretStore',
    'gatewayClass',
    'gateway',
    'gitRepository',
    'clusterSettings',
    'veleroSchedule',
    'veleroLocation',
    'linkerdServer',
    'linkerdAuthorization',
  ),
  ...each(severalObjects, 'poolers', 'clusterIssuers'),
  kustomizations: z.strictObject({ pattern: text, ...about, ...object }),
})

/** `names.yaml`. */
export const namesSchema = z.strictObject({
  apiEndpoints: z.strictObject({ infra: endpoint, apps: endpoint }),
  network: z.strictObject(each(named, 'clusterDomain')),
  namespaces: z.strictObject(each(named, ...namespaceKeys)),
  storageClasses: z.strictObject(each(named, 'block', 'local')),
  volumeSnapshotClasses: z.strictObject(each(named, 'block')),
  mirroring: z.strictObject(each(named, 'suffix', 'link', 'reverseLink', 'controller', 'probe', 'gatewayIdentity')),
  services: z.strictObject(each(service, ...serviceKeys)),
  mirroredServices: z.strictObject(
    each(mirroredService, 'postgres', 'dragonfly', 'minio', 'jaegerCollector', 'metricsWrite', 'logs'),
  ),
  workloads,
  customResources,
  configMaps: z.strictObject(
    each(
      z.strictObject({ ...name, key: text, namespace }),
      'trustRoots',
      'linkerdConfig',
      'cephMonitors',
      'gitlabDatabase',
      'gitlabCache',
    ),
  ),
  secrets: z.strictObject({
    ...each(
      secret,
      'linkerdIssuer',
      'linkCredentials',
      'postgresApp',
      'postgresBackup',
      'dragonfly',
      'keycloakDatabase',
      'gitlabDatabase',
      'gitlabObjectStore',
      'grafanaAdmin',
      'onepassword',
      'cloudflare',
      'velero',
      'volsync',
    ),
    talosItems: z.strictObject(names),
  }),
  buckets: z.strictObject({ ...each(named, 'postgres', 'velero', 'volsync'), gitlab: z.strictObject(names) }),
  databaseRoles: z.strictObject(each(named, 'gitlab', 'harbor', 'mattermost', 'keycloak')),
  labels: z.strictObject({
    ...each(
      keyed,
      'exported',
      'mirrored',
      'mirroredFrom',
      'meshed',
      'controlPlane',
      'region',
      'zone',
      'cluster',
      'dataClass',
      'loadBalancerPool',
      'bgpAnnounce',
      'metricsCluster',
    ),
    ...each(severalKeys, 'podSecurity', 'fluxOwned'),
  }),
  annotations: z.strictObject({
    ...each(keyed, 'inject', 'proxyVersion', 'trustRoot', 'mirroredName'),
    skipPorts: severalKeys,
  }),
  hosts: z.strictObject(each(named, 'keycloak', 'gitlab', 'harbor', 'grafana')),
  cloudflareTunnels: z.strictObject(each(named, 'infra', 'apps')),
  keycloakClients: z.strictObject(each(named, 'grafana', 'gitlab', 'harbor')),
  repositoryPaths: z.strictObject(each(named, 'infrastructure', 'workloads', 'cluster')),
  scripts: z.strictObject(each(named, 'convert', 'extractSecrets')),
})
export type Names = z.infer<typeof namesSchema>

/** The default name of a namespace. */
export const namespaceOf = ({ namespaces }: Names, key: NamespaceKey): string => namespaces[key].name
