import { check } from '../check/check.ts'
import type { QueryResult, ScrapedProxy } from '../cluster/kinds/telemetry.ts'
import { metrics, scrapedProxies, scrapedWithinSeconds } from '../cluster/kinds/telemetry.ts'
import type { ClusterName, Names } from '../platform/platform.ts'

type Series = QueryResult['series'][number]
type Asked = { answers: QueryResult[] }
const reads = { answers: metrics }

/** What the store answered to a question; a question that was never put is a fault of the observation. */
function seriesOf({ answers }: Asked, query: string): Series[] {
  const found = answers.find(({ metadata }) => metadata.name === query)
  if (!found) throw new Error(`the metrics store was not asked for ${query}`)
  return found.series
}

const label = ({ labels }: Series, key: string): string => labels[key] ?? ''
const bothClusters: ClusterName[] = ['infra', 'apps']

/** What the store lags behind: 30 s on purpose, and a scrape interval of at most a minute. */
const freshSeconds = scrapedWithinSeconds

export const storeHasBothClusters = check({
  claim: 'OBS-01',
  on: 'infra',
  fact: 'the metrics store of infra answers queries with series of both clusters',
  reads,
  population: 'clusters',
  atLeast: 2,
  expected: ({ names }) => `series with the label ${names.labels.metricsCluster.key} of that cluster`,
  subjects: (read) => (seriesOf(read, 'samples-by-cluster').length === 0 ? [] : bothClusters),
  name: (cluster) => ({ subject: `series of ${cluster}` }),
  holds: (cluster, { names }, read) => {
    const key = names.labels.metricsCluster.key
    const byCluster = seriesOf(read, 'samples-by-cluster')
    const others = byCluster.map((series) => `${label(series, key) || 'without the label'}: ${series.value}`)
    const own = byCluster.find((series) => label(series, key) === cluster)
    return (own?.value ?? 0) > 0 || `are not in the store, which has ${others.join(', ')}`
  },
})

export const samplesOfAppsAreFresh = check({
  claim: { infra: 'OBS-02', apps: 'OBS-02' },
  on: 'apps',
  fact: 'samples that the metrics agent of apps sends arrive on infra',
  reads,
  population: 'scrape jobs of apps with samples on infra',
  atLeast: 1,
  expected: `a sample that is at most ${freshSeconds} s old`,
  subjects: (read) => seriesOf(read, 'sample-age'),
  name: (series) => ({ subject: `job ${label(series, 'job')}` }),
  holds: ({ value }) => value <= freshSeconds || `has no sample of the last ${Math.round(value)} s`,
  compare: (read) =>
    (['remote-write-pending', 'remote-write-dropped'] as const).flatMap((query) =>
      seriesOf(read, query).map(({ value }) => ({
        name: query === 'remote-write-pending' ? 'waiting to be sent to infra' : 'packets that were dropped',
        unit: query === 'remote-write-pending' ? 'B' : '',
        documented: 0,
        observed: value,
      })),
    ),
})

const unscraped = ({ up, version }: ScrapedProxy): string | undefined => {
  if (up === undefined) return 'has a proxy that is not scraped'
  if (up !== 1) return `has a proxy that no scrape reached in ${scrapedWithinSeconds} s`
  return version === undefined ? 'has a proxy that is up, but whose proxy_build_info is not in the store' : undefined
}

/** Its first scrape is still to come, which is nobody's fault. */
const isAwaited = (proxy: ScrapedProxy) => proxy.young === true && unscraped(proxy) !== undefined

export const everyProxyIsScraped = check({
  claim: 'OBS-03',
  fact: 'the proxy of every meshed pod is scraped',
  reads: { proxies: scrapedProxies },
  population: 'meshed pods that had time to be scraped',
  atLeast: 10,
  because: 'the control plane and its extensions alone have that many',
  expected: `up was 1 within the last ${scrapedWithinSeconds} s, and proxy_build_info is in the store`,
  // A store that knows of no proxy at all says nothing about a single one.
  subjects: ({ proxies }) =>
    proxies.some(({ up }) => up !== undefined) ? proxies.filter((proxy) => !isAwaited(proxy)) : [],
  holds: (proxy) => unscraped(proxy) ?? true,
  compare: ({ proxies }) =>
    proxies.filter(isAwaited).map(({ metadata }) => ({
      name: 'a pod that is too new to have been scraped, and was not judged',
      unit: '',
      documented: 'every pod',
      observed: `${metadata.namespace}/${metadata.name}`,
    })),
})

/** With fewer requests, those that have no answer yet would decide. */
const enoughRequests = 10
const goldenQueries = {
  'success-rate': 'success rate',
  'latency-p50': 'p50 latency',
  'latency-p95': 'p95 latency',
  'latency-p99': 'p99 latency',
} as const

const serviceOf = (series: Series) => `${label(series, 'dst_namespace')}/${label(series, 'dst_service')}`
const isNumber = (value: number) => Number.isFinite(value) && value >= 0

export const goldenMetricsOfServices = check({
  claim: 'OBS-04',
  fact: 'success rate, request rate and p50, p95 and p99 latency of every service with requests can be computed',
  reads,
  population: `services with at least ${enoughRequests} requests from meshed clients`,
  atLeast: 1,
  expected: 'a figure for each of the golden metrics',
  subjects: (read) => seriesOf(read, 'requests').filter(({ value }) => value >= enoughRequests),
  name: (service) => ({ subject: `Service ${serviceOf(service)}` }),
  holds: (service, _, read) => {
    const lacking = Object.entries(goldenQueries).filter(([query]) => {
      const found = seriesOf(read, query).find((series) => serviceOf(series) === serviceOf(service))
      return !found || !isNumber(found.value) || (query === 'success-rate' && found.value > 1)
    })
    return lacking.length === 0 || `has no ${lacking.map(([, what]) => what).join(', no ')}`
  },
  compare: (read) => [
    {
      name: 'services that are reached, but by connections without requests (opaque TCP)',
      unit: '',
      documented: 'golden metrics of all services',
      observed: seriesOf(read, 'services-without-requests').map(serviceOf).join(', ') || 'none',
    },
  ],
})

export const goldenMetricsPerService = check({
  claim: 'OBS-05',
  fact: 'requests are counted apart for each service that they go to',
  reads,
  population: 'services that meshed clients call by name',
  atLeast: 2,
  because: 'a split of one cannot be seen',
  expected: 'the label dst_service of that Service',
  subjects: (read) => seriesOf(read, 'calls-by-authority'),
  name: (calls) => ({ subject: `calls of ${label(calls, 'authority')}` }),
  holds: (calls) => {
    const [service, namespace] = label(calls, 'authority').split('.')
    const counted = label(calls, 'dst_service')
    if (counted === '') return 'are counted without a service'
    return (counted === service && label(calls, 'dst_namespace') === namespace) || `are counted for ${serviceOf(calls)}`
  },
  compare: (read) => [
    {
      name: 'routes that requests are counted for',
      unit: '',
      documented: 'per route',
      observed:
        seriesOf(read, 'routes')
          .map((series) => label(series, 'route_name') || 'none')
          .toSorted()
          .join(', ') || 'none',
    },
  ],
})

const controlPlane = ({ workloads }: Names) => [
  workloads.linkerdIdentity.name,
  workloads.linkerdDestination.name,
  workloads.linkerdProxyInjector.name,
]

export const controlPlaneIsMonitored = check({
  claim: 'OBS-66',
  fact: 'the control plane of the mesh is scraped',
  reads,
  population: 'programs of the control plane',
  atLeast: 3,
  because: 'identity, destination and proxy-injector',
  expected: `up was 1 within the last ${scrapedWithinSeconds} s for each of its pods, apart from that of the proxy beside it`,
  subjects: (read, { names }) => (seriesOf(read, 'targets').length === 0 ? [] : controlPlane(names)),
  name: (workload) => ({ subject: workload, look: `-n linkerd get pods` }),
  holds: (workload, { names }, read) => {
    const own = seriesOf(read, 'targets').filter(
      (target) =>
        label(target, 'namespace') === names.namespaces.linkerd.name &&
        label(target, 'pod').startsWith(`${workload}-`) &&
        !label(target, 'job').includes('linkerd-proxy'),
    )
    if (own.length === 0) return 'is not scraped'
    const down = own.filter(({ value }) => value !== 1).map((target) => label(target, 'pod'))
    return (
      down.length === 0 ||
      `was not reached by any scrape in ${scrapedWithinSeconds} s: ${[...new Set(down)].join(', ')}`
    )
  },
})

export const issuerIsMonitored = check({
  claim: 'OBS-66',
  fact: 'the lifetime of the issuer of the mesh is watched',
  reads,
  population: 'series of issuer_cert_ttl_seconds',
  atLeast: 1,
  expected: 'the seconds that are left',
  subjects: (read) => seriesOf(read, 'issuer-lifetime'),
  name: (series) => ({ subject: `issuer of ${label(series, 'pod')}` }),
  holds: ({ value }) => value > 0 || `has ${value} s left`,
})

/** What the mirror controllers of apps say of the gateway behind the link to infra. */
const gatewayAlive = (apps: Asked, { mirroring: { link } }: Names) =>
  seriesOf(apps, 'gateway-alive').filter((series) => label(series, 'target_cluster_name') === link.name)

const nameOfLink = (series: Series) => ({
  cluster: 'apps' as const,
  subject: `link ${label(series, 'target_cluster_name')}`,
  look: '-n linkerd-multicluster get links,pods',
})

export const gatewayIsAlive = check({
  claim: 'MESH-08',
  on: 'across',
  fact: 'the probes of apps find the gateway of infra alive',
  reads,
  population: 'series of gateway_alive of the link to infra',
  atLeast: 1,
  expected: '1, as the mirror controller of apps reports it',
  subjects: ({ apps }, { names }) => gatewayAlive(apps, names),
  name: nameOfLink,
  // A controller that gave the lease to another one reports what it saw last.
  holds: (_, { names }, { apps }) =>
    gatewayAlive(apps, names).some(({ value }) => value === 1) ||
    'has a gateway that does not answer the probes of apps',
})

export const gatewayIsMonitored = check({
  claim: 'OBS-67',
  on: 'across',
  fact: 'the metrics store on infra has what apps sees of the gateway of infra',
  reads,
  population: 'series of gateway_alive of the link to infra',
  atLeast: 1,
  expected: `a sample that is at most ${freshSeconds} s old, and the latency of probes`,
  subjects: ({ apps }, { names }) => gatewayAlive(apps, names),
  name: nameOfLink,
  holds: (series, _, { apps }) => {
    const target = label(series, 'target_cluster_name')
    const of = (query: string) =>
      seriesOf(apps, query).find((candidate) => label(candidate, 'target_cluster_name') === target)?.value
    const age = of('gateway-age')
    if (age === undefined || age > freshSeconds)
      return `has no sample of the last ${age === undefined ? freshSeconds : Math.round(age)} s`
    if (series.value !== 0 && series.value !== 1) return `has gateway_alive ${series.value}, which is neither 0 nor 1`
    return (of('gateway-probes') ?? 0) > 0 || 'has no latency of a probe'
  },
})
