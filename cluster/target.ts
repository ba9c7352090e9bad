import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { parse as parseYAML } from 'yaml'
import { z } from 'zod'
import { messageOf } from '../check/error-message.ts'
import { SetupError } from '../check/setup-error.ts'
import type { ClusterName } from '../platform/platform.ts'

export type TargetKind = 'pair' | 'live'

/** Which clusters a run judges. `uid` is set where the owner pinned it. */
export type Target = {
  kind: TargetKind
  /** Why this target, as the first line of output says it. */
  because: string
  kubeconfig: string
  clusters: Record<ClusterName, { context: string; uid?: string }>
  /** The image of probe pods, where the default one cannot be pulled. */
  probeImage?: string
  load?: LoadSettings
}

/** A service that others use: a load that makes it slow has to end. */
export type WatchedService = {
  cluster: ClusterName
  namespace: string
  service: string
  port: number
  path: string
  maxMs: number
}

/** Settings of load tests; the defaults are upstream's images. */
export type LoadSettings = {
  k6Image: string
  serverImage: string
  /** How many k6 share the rate of an arm; more than one need the k6-operator. */
  generators: number
  watch: readonly WatchedService[]
}

const clusterEntry = z.strictObject({ context: z.string(), uid: z.uuid().optional() })
const watchedService = z.strictObject({
  cluster: z.enum(['infra', 'apps']),
  namespace: z.string(),
  service: z.string(),
  port: z.int().positive(),
  path: z.string().startsWith('/').default('/'),
  maxMs: z.number().positive(),
})
/** netexec of this one answers about itself; the version of k6 is the one that the pair builds. */
const loadConfiguration = z
  .strictObject({
    k6Image: z.string().default('docker.io/grafana/k6:1.8.1'),
    serverImage: z.string().default('registry.k8s.io/e2e-test-images/agnhost:2.53'),
    generators: z.int().positive().default(1),
    watch: z.array(watchedService).default([]),
  })
  .prefault({})
const configuration = z.strictObject({
  target: z.enum(['pair', 'live']).optional(),
  kubeconfig: z.string().optional(),
  clusters: z.strictObject({ infra: clusterEntry, apps: clusterEntry }).optional(),
  probes: z.strictObject({ image: z.string().optional() }).optional(),
  load: loadConfiguration,
})
export const defaultLoadSettings: LoadSettings = loadConfiguration.parse(undefined)
type Configuration = z.infer<typeof configuration>

export const configurationFile = 'conformance.yaml'

/** The pair, before it is known to stand. */
export type EmbeddedPair = { kind: 'pair'; because: string; load: LoadSettings }

export type Asked = {
  /** `--target`. */
  target?: string | undefined
  /** `--kubeconfig`. */
  kubeconfig?: string | undefined
  /** Folder of `conformance.yaml`. */
  folder: string
  env: NodeJS.ProcessEnv
}

/** What was asked for: the pair, or two contexts of a kubeconfig. Says what is missing for a live target. */
export function chooseTarget(asked: Asked): Target | EmbeddedPair {
  const configured = readConfiguration(asked.folder)
  // Whoever names clusters means them: a typo must not end in a green run on the pair.
  const kind = wantedKind(asked, configured) ?? (configured.clusters === undefined ? undefined : 'live')
  if (kind === 'pair') return { kind, because: `the embedded pair (${kindSource(asked)})`, load: configured.load }
  const kubeconfig = kubeconfigPath(asked, configured)
  const clusters = configured.clusters ?? { infra: { context: 'infra' }, apps: { context: 'apps' } }
  const contexts = contextsOf(kubeconfig)
  const wanted = [clusters.infra.context, clusters.apps.context]
  const missing = wanted.filter((context) => !contexts.includes(context))
  if (kind === undefined && missing.length > 0) {
    return {
      kind: 'pair',
      because: `no clusters given (contexts ${wanted.join(' and ')} are not in your kubeconfig)`,
      load: configured.load,
    }
  }
  if (missing.length > 0) throw missingContexts(kubeconfig, wanted, missing, contexts)
  if (clusters.infra.context === clusters.apps.context) throw sameContext(clusters.infra.context)
  const because =
    kind === 'live' ? `live (${kindSource(asked)})` : `live (contexts ${wanted.join(' and ')} are in your kubeconfig)`
  const probeImage = configured.probes?.image
  return {
    kind: 'live',
    because,
    kubeconfig,
    clusters: { infra: entry(clusters.infra), apps: entry(clusters.apps) },
    ...(probeImage === undefined ? {} : { probeImage }),
    load: configured.load,
  }
}

/** Whether a live target was asked for, also where the configuration cannot be used. */
export function isLiveWanted(asked: Asked): boolean {
  try {
    const configured = readConfiguration(asked.folder)
    return (wantedKind(asked, configured) ?? (configured.clusters === undefined ? 'pair' : 'live')) === 'live'
  } catch {
    return true
  }
}

const entry = ({ context, uid }: { context: string; uid?: string | undefined }) =>
  uid === undefined ? { context } : { context, uid }

function wantedKind({ target, env }: Asked, configured: Configuration): TargetKind | undefined {
  const wanted = target ?? env['CONFORMANCE_TARGET'] ?? configured.target
  if (wanted === undefined || wanted === 'pair' || wanted === 'live') return wanted
  throw new SetupError({
    what: 'choosing the target',
    where: target === undefined ? 'the environment variable CONFORMANCE_TARGET' : '--target',
    expected: 'pair or live',
    found: wanted,
    try: 'say live for your own two clusters, pair for the embedded ones',
  })
}

function kindSource({ target, env }: Asked): string {
  if (target !== undefined) return '--target'
  return env['CONFORMANCE_TARGET'] === undefined ? configurationFile : 'CONFORMANCE_TARGET'
}

function readConfiguration(folder: string): Configuration {
  const file = join(folder, configurationFile)
  if (!existsSync(file)) return configuration.parse({})
  const fault = (found: string) =>
    new SetupError({
      what: 'reading the configuration',
      where: file,
      expected: 'target, kubeconfig and clusters.{infra,apps}.{context,uid}',
      found,
      try: 'compare it with the example in docs/live-clusters.md',
    })
  let document: unknown
  try {
    document = parseYAML(readFileSync(file, 'utf8'))
  } catch (error) {
    throw fault(messageOf(error))
  }
  const parsed = configuration.safeParse(document ?? {})
  if (!parsed.success) throw fault(z.prettifyError(parsed.error).replaceAll('\n', ' '))
  return parsed.data
}

function kubeconfigPath({ kubeconfig, folder, env }: Asked, configured: Configuration): string {
  if (kubeconfig !== undefined) return kubeconfig
  if (configured.kubeconfig !== undefined) return resolve(folder, configured.kubeconfig)
  const first = env['KUBECONFIG']?.split(delimiter).find((path) => path !== '')
  return first ?? join(homedir(), '.kube', 'config')
}

function contextsOf(kubeconfig: string): string[] {
  if (!existsSync(kubeconfig)) return []
  const config = new KubeConfig()
  try {
    config.loadFromFile(kubeconfig)
  } catch (error) {
    throw new SetupError({
      what: 'reading the kubeconfig',
      where: kubeconfig,
      expected: 'clusters, users and contexts as kubectl writes them',
      found: messageOf(error),
      try: `kubectl --kubeconfig ${kubeconfig} config view`,
    })
  }
  return config.getContexts().map(({ name }) => name)
}

const missingContexts = (kubeconfig: string, wanted: string[], missing: string[], contexts: string[]) =>
  new SetupError({
    what: 'finding the two clusters',
    where: kubeconfig,
    expected: `contexts ${wanted.join(' and ')}`,
    found: existsSync(kubeconfig)
      ? `no context ${missing.join(' and no ')}; the file has ${contexts.join(', ') || 'none'}`
      : 'the file does not exist',
    try: `name your contexts in ${configurationFile}, or set KUBECONFIG; without live clusters run with --target pair`,
  })

const sameContext = (context: string) =>
  new SetupError({
    what: 'finding the two clusters',
    where: configurationFile,
    expected: 'one context for infra and another one for apps',
    found: `${context} for both`,
    try: 'name the context of each cluster',
  })
