import { describe, expect, test } from 'vitest'
import type { Place } from '../check/judge.ts'
import { judge } from '../check/judge.ts'
import type { Snapshot } from '../check/source.ts'
import { driftedBy } from '../fixtures/drifts/apply.ts'
import type { Drift } from '../fixtures/drifts/drift.ts'
import { drifts, meshDrifts } from '../fixtures/drifts/telemetry.ts'
import { exampleItems } from '../fixtures/drifts/telemetry-items.ts'
import { loadPlatform } from '../platform/platform.ts'
import type { NamedCheck } from './chapters.ts'
import { allChecks } from './chapters.ts'
import * as logs from './telemetry-logs.ts'
import * as mesh from './telemetry-mesh.ts'
import * as metrics from './telemetry-metrics.ts'
import * as traces from './telemetry-traces.ts'

const platform = loadPlatform()
const now = new Date('2026-11-25T00:00:00Z')
const own = new Set<unknown>(Object.values({ ...logs, ...mesh, ...metrics, ...traces }))
const places: { name: string; check: NamedCheck['check']; place: Place }[] = allChecks
  .filter(({ check }) => own.has(check))
  .flatMap(({ name, check }) => Object.keys(check.claims).map((place) => ({ name, check, place: place as Place })))

const judgedOn = (snapshot: Snapshot) =>
  places.map(({ name, check, place }) => judge(name, check, place, { platform, snapshot, now }).result)
const healthy = judgedOn(exampleItems)

/** What a drift makes of the judgements that it changes, as a person reads it. */
function effectOf(drift: Drift) {
  const after = judgedOn(driftedBy(drift, exampleItems))
  return after.filter(({ judgedAs }, index) => judgedAs !== healthy[index]?.judgedAs)
}
const textOf = ({ check, cluster, judgedAs, reason, deviations }: ReturnType<typeof effectOf>[number]) =>
  [
    `${check} ${cluster} ${judgedAs}: ${reason}`,
    ...deviations.map(({ subject, found }) => `  ${subject} ${found}`),
  ].join('\n')

test('a platform in order conforms, and as much was looked at as had to be', () => {
  expect(
    healthy.map(
      ({ check, cluster, outcome, lookedAt, needed }) => `${check} ${cluster} ${outcome} ${lookedAt}/${needed}`,
    ),
  ).toMatchInlineSnapshot(`
    [
      "MESH-01/controlPlaneServesNewPods infra conforms 2/2",
      "MESH-01/controlPlaneServesNewPods apps conforms 2/2",
      "MESH-03/newPodsAreSecured infra conforms 2/2",
      "MESH-03/newPodsAreSecured apps conforms 2/2",
      "MESH-02/ownRequestsAreMutualTLS infra conforms 2/2",
      "MESH-02/ownRequestsAreMutualTLS apps conforms 2/2",
      "OBS-32/contextIsPropagated apps conforms 2/2",
      "OBS-66/controlPlaneIsMonitored infra conforms 3/3",
      "OBS-66/controlPlaneIsMonitored apps conforms 3/3",
      "OBS-35/dependencyMap infra conforms 1/1",
      "OBS-22/entriesAreStructured infra conforms 3/1",
      "OBS-22/entriesAreStructured apps conforms 3/1",
      "OBS-03/everyProxyIsScraped infra conforms 10/10",
      "OBS-03/everyProxyIsScraped apps conforms 10/10",
      "MESH-08/gatewayIsAlive across conforms 1/1",
      "OBS-67/gatewayIsMonitored across conforms 1/1",
      "OBS-04/goldenMetricsOfServices infra conforms 2/1",
      "OBS-04/goldenMetricsOfServices apps conforms 2/1",
      "OBS-05/goldenMetricsPerService infra conforms 2/2",
      "OBS-05/goldenMetricsPerService apps conforms 2/2",
      "OBS-66/issuerIsMonitored infra conforms 1/1",
      "OBS-66/issuerIsMonitored apps conforms 1/1",
      "OBS-30/jaegerTakesSpans infra conforms 1/1",
      "OBS-24/linesOfAppsOnInfra across conforms 3/3",
      "OBS-21/linesOfEveryNode infra conforms 3/3",
      "OBS-21/linesOfEveryNode apps conforms 3/3",
      "OBS-20/logStoreAnswers infra conforms 3/3",
      "OBS-33/oneTraceAcrossClusters across conforms 1/1",
      "OBS-31/proxiesSendTraces across conforms 1/1",
      "OBS-02/samplesOfAppsAreFresh apps conforms 2/1",
      "OBS-36/spansShowSlowHop apps conforms 5/2",
      "OBS-01/storeHasBothClusters infra conforms 2/2",
    ]
  `)
})

describe.each([...drifts, ...meshDrifts].map((drift) => ({ ...drift, drift })))('$id: $what', ({ drift }) => {
  const effect = effectOf(drift)

  test('changes the claims that it has to, and no other', () => {
    // Claims of other chapters are judged on the recorded platform.
    const judged = new Set(healthy.map(({ claim }) => claim))
    const expected = drift.expect.filter((id) => judged.has(id))
    expect(expected).not.toEqual([])
    expect([...new Set(effect.map(({ claim }) => claim))].toSorted()).toEqual(expected.toSorted())
  })

  test('is named', () => {
    const { names } = drift
    expect(names === undefined || effect.map(textOf).join('\n').includes(names)).toBe(true)
  })
})

describe('a pod that is too new to have been scraped', () => {
  const awaited = { kind: 'Pod', metadata: { namespace: 'demo', name: 'echo-new' }, young: true }
  const without = (count: number) => {
    const listing = exampleItems.infra['scraped-proxies']
    const items = listing?.state === 'listed' ? [...listing.items.slice(count), awaited] : []
    return { ...exampleItems, infra: { ...exampleItems.infra, 'scraped-proxies': { state: 'listed' as const, items } } }
  }
  const resultOn = (snapshot: Snapshot) =>
    judgedOn(snapshot).find(({ claim, cluster }) => claim === 'OBS-03' && cluster === 'infra')

  test('is not judged, and is named', () => {
    const found = resultOn(without(0))
    expect(found).toMatchObject({ judgedAs: 'conforms', lookedAt: 10 })
    expect(found?.figures.map(({ observed }) => observed)).toEqual(['demo/echo-new'])
  })

  test('does not stand for one of those that are needed', () => {
    expect(resultOn(without(1))).toMatchObject({ judgedAs: 'inconclusive', lookedAt: 9, needed: 10 })
  })
})

test('every check notices two drifts', () => {
  const noticed = [...drifts, ...meshDrifts].flatMap((drift) => [...new Set(effectOf(drift).map(({ check }) => check))])
  const checks = [...new Set(healthy.map(({ check }) => check))]
  expect(checks.filter((check) => noticed.filter((other) => other === check).length < 2)).toEqual([])
})

test('what is found is said so that it can be read alone', () => {
  expect(
    [...drifts, ...meshDrifts]
      .flatMap((drift) => effectOf(drift).map(textOf))
      .toSorted()
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "MESH-01/controlPlaneServesNewPods apps deviates: 2 of 2 ends of our own requests deviate
      outbound proxy of meshed-r-1 counted 0 of 14 requests as mutual TLS and 14 others; peers: none (tls="no_identity", not_provided_by_service_discovery)
      inbound proxy of meshed-r-2, meshed-r-3 counted 0 of 14 requests as mutual TLS and 14 others; peers: none (tls="no_identity", no_tls_from_remote)
    MESH-01/controlPlaneServesNewPods infra deviates: 1 of 2 ends of our own requests deviate
      inbound proxy of meshed-r-2, meshed-r-3 counted 0 of 14 requests as mutual TLS and 0 others; peers: none (tls="true", no reason)
    MESH-01/controlPlaneServesNewPods infra deviates: 1 of 2 ends of our own requests deviate
      outbound proxy of meshed-r-1 counted 19 of 20 requests as mutual TLS and 1 others; peers: default.conformance-probes.serviceaccount.identity.linkerd.cluster.local
    MESH-02/ownRequestsAreMutualTLS apps deviates: 2 of 2 ends of our own requests deviate
      outbound proxy of meshed-r-1 counted 0 of 14 requests as mutual TLS and 14 others; peers: none (tls="no_identity", not_provided_by_service_discovery)
      inbound proxy of meshed-r-2, meshed-r-3 counted 0 of 14 requests as mutual TLS and 14 others; peers: none (tls="no_identity", no_tls_from_remote)
    MESH-02/ownRequestsAreMutualTLS infra deviates: 1 of 2 ends of our own requests deviate
      inbound proxy of meshed-r-2, meshed-r-3 counted 0 of 14 requests as mutual TLS and 0 others; peers: none (tls="true", no reason)
    MESH-02/ownRequestsAreMutualTLS infra deviates: 1 of 2 ends of our own requests deviate
      outbound proxy of meshed-r-1 counted 19 of 20 requests as mutual TLS and 1 others; peers: default.conformance-probes.serviceaccount.identity.linkerd.cluster.local
    MESH-03/newPodsAreSecured apps deviates: 2 of 2 ends of our own requests deviate
      outbound proxy of meshed-r-1 counted 0 of 14 requests as mutual TLS and 14 others; peers: none (tls="no_identity", not_provided_by_service_discovery)
      inbound proxy of meshed-r-2, meshed-r-3 counted 0 of 14 requests as mutual TLS and 14 others; peers: none (tls="no_identity", no_tls_from_remote)
    MESH-03/newPodsAreSecured infra deviates: 1 of 2 ends of our own requests deviate
      inbound proxy of meshed-r-2, meshed-r-3 counted 0 of 14 requests as mutual TLS and 0 others; peers: none (tls="true", no reason)
    MESH-03/newPodsAreSecured infra deviates: 1 of 2 ends of our own requests deviate
      outbound proxy of meshed-r-1 counted 19 of 20 requests as mutual TLS and 1 others; peers: default.conformance-probes.serviceaccount.identity.linkerd.cluster.local
    MESH-08/gatewayIsAlive across deviates: 1 of 1 series of gateway_alive of the link to infra deviate
      link infra has a gateway that does not answer the probes of apps
    MESH-08/gatewayIsAlive across deviates: 1 of 1 series of gateway_alive of the link to infra deviate
      link infra has a gateway that does not answer the probes of apps
    MESH-08/gatewayIsAlive across inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    MESH-08/gatewayIsAlive across inconclusive: looked at 0 series of gateway_alive of the link to infra, needed 1: too few to judge
    OBS-01/storeHasBothClusters infra deviates: 1 of 2 clusters deviate
      series of apps are not in the store, which has infra: 900
    OBS-01/storeHasBothClusters infra deviates: 2 of 2 clusters deviate
      series of infra are not in the store, which has without the label: 1700
      series of apps are not in the store, which has without the label: 1700
    OBS-01/storeHasBothClusters infra inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    OBS-02/samplesOfAppsAreFresh apps deviates: 1 of 2 scrape jobs of apps with samples on infra deviate
      job kubelet has no sample of the last 180 s
    OBS-02/samplesOfAppsAreFresh apps deviates: 2 of 2 scrape jobs of apps with samples on infra deviate
      job linkerd-proxy has no sample of the last 241 s
      job kubelet has no sample of the last 244 s
    OBS-02/samplesOfAppsAreFresh apps inconclusive: answers of the metrics store on apps could not be read: the metrics store on infra did not answer vector(1)
    OBS-02/samplesOfAppsAreFresh apps inconclusive: looked at 0 scrape jobs of apps with samples on infra, needed 1: too few to judge
    OBS-03/everyProxyIsScraped apps deviates: 1 of 10 meshed pods that had time to be scraped deviate
      Pod linkerd/linkerd-identity-x1 has a proxy that is not scraped
    OBS-03/everyProxyIsScraped apps deviates: 1 of 10 meshed pods that had time to be scraped deviate
      Pod linkerd/linkerd-identity-x1 has a proxy that is up, but whose proxy_build_info is not in the store
    OBS-03/everyProxyIsScraped infra deviates: 1 of 10 meshed pods that had time to be scraped deviate
      Pod linkerd/linkerd-identity-x1 has a proxy that no scrape reached in 120 s
    OBS-04/goldenMetricsOfServices apps deviates: 2 of 2 services with at least 10 requests from meshed clients deviate
      Service demo/echo has no success rate
      Service monitoring/vminsert-vmcluster has no success rate
    OBS-04/goldenMetricsOfServices apps inconclusive: answers of the metrics store on apps could not be read: the metrics store on infra did not answer vector(1)
    OBS-04/goldenMetricsOfServices apps inconclusive: looked at 0 services with at least 10 requests from meshed clients, needed 1: too few to judge
    OBS-04/goldenMetricsOfServices infra deviates: 2 of 2 services with at least 10 requests from meshed clients deviate
      Service demo/echo has no p50 latency, no p95 latency, no p99 latency
      Service monitoring/vminsert-vmcluster has no p50 latency, no p95 latency, no p99 latency
    OBS-04/goldenMetricsOfServices infra inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    OBS-05/goldenMetricsPerService apps deviates: 1 of 2 services that meshed clients call by name deviate
      calls of catalog-infra.demo.svc.cluster.local:8080 are counted for demo/echo
    OBS-05/goldenMetricsPerService apps inconclusive: answers of the metrics store on apps could not be read: the metrics store on infra did not answer vector(1)
    OBS-05/goldenMetricsPerService infra deviates: 2 of 2 services that meshed clients call by name deviate
      calls of echo.demo.svc.cluster.local:8080 are counted without a service
      calls of catalog.demo.svc.cluster.local:8080 are counted without a service
    OBS-05/goldenMetricsPerService infra inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    OBS-20/logStoreAnswers infra deviates: 1 of 3 lines, one written on each node deviate
      line of plain-r-1 on infra-01 was not in the log store within 3 s
    OBS-20/logStoreAnswers infra inconclusive: looked at 2 lines, one written on each node, needed 3: too few to judge
    OBS-21/linesOfEveryNode apps deviates: 1 of 3 lines, one written on each node deviate
      line of plain-r-1 on apps-01 arrived with cluster infra
    OBS-21/linesOfEveryNode apps deviates: 1 of 3 lines, one written on each node deviate
      line of plain-r-1 on apps-01 was not in the log store within 3 s
    OBS-21/linesOfEveryNode infra deviates: 1 of 3 lines, one written on each node deviate
      line of plain-r-1 on infra-01 arrived with kubernetes.pod_name missing
    OBS-21/linesOfEveryNode infra deviates: 1 of 3 lines, one written on each node deviate
      line of plain-r-1 on infra-01 was not in the log store within 3 s
    OBS-21/linesOfEveryNode infra inconclusive: looked at 2 lines, one written on each node, needed 3: too few to judge
    OBS-22/entriesAreStructured apps deviates: 1 of 3 namespaces with entries of the last ten minutes deviate
      namespace linkerd has 50 of 100 entries that name no pod and container
    OBS-22/entriesAreStructured apps inconclusive: looked at 0 namespaces with entries of the last ten minutes, needed 1: too few to judge
    OBS-22/entriesAreStructured infra deviates: 1 of 3 namespaces with entries of the last ten minutes deviate
      namespace linkerd has 100 of 100 entries that name no pod and container
    OBS-24/linesOfAppsOnInfra across deviates: 1 of 3 lines, one written on each node of apps deviate
      line of plain-r-1 on apps-01 arrived with cluster infra
    OBS-24/linesOfAppsOnInfra across deviates: 1 of 3 lines, one written on each node of apps deviate
      line of plain-r-1 on apps-01 was not in the log store within 3 s
    OBS-30/jaegerTakesSpans infra deviates: 1 of 1 traces that were sent by OTLP over HTTP deviate
      synthetic-spans came back with nothing above the second, not d1
    OBS-30/jaegerTakesSpans infra deviates: 1 of 1 traces that were sent by OTLP over HTTP deviate
      synthetic-spans were accepted, but Jaeger has none of them
    OBS-31/proxiesSendTraces across deviates: A proxy cannot export through a mirrored Service; the gateway ends the TLS handshake (seen on a running 2.18). It takes the linkerd-jaeger extension (up to 2.18) or Helm proxy.tracing (from 2.19) and a meshed collector on apps that forwards to infra. The ConfigMaps that the companion documents use for it are read by nothing. (1 of 1 sampled requests from apps, looked for in a Jaeger that keeps spans deviate)
      sampled-request 0af7651916cd43dd8448eb211c80319c left no span of a proxy on apps: 6 spans, twice the same
    OBS-31/proxiesSendTraces across deviates: A proxy cannot export through a mirrored Service; the gateway ends the TLS handshake (seen on a running 2.18). It takes the linkerd-jaeger extension (up to 2.18) or Helm proxy.tracing (from 2.19) and a meshed collector on apps that forwards to infra. The ConfigMaps that the companion documents use for it are read by nothing. (1 of 1 sampled requests from apps, looked for in a Jaeger that keeps spans deviate)
      sampled-request 0af7651916cd43dd8448eb211c80319c left no span of a proxy on apps: Jaeger has no span of it
    OBS-31/proxiesSendTraces across inconclusive: looked at 0 sampled requests from apps, looked for in a Jaeger that keeps spans, needed 1: too few to judge
    OBS-32/contextIsPropagated apps deviates: 1 of 2 requests with a W3C trace context deviate
      sampled-request 0af7651916cd43dd8448eb211c80319c has 1 of 6 spans that hang below no other
    OBS-32/contextIsPropagated apps deviates: 1 of 2 requests with a W3C trace context deviate
      sampled-request 0af7651916cd43dd8448eb211c80319c has no span below ffffffffffffffff, from which it came
    OBS-32/contextIsPropagated apps deviates: 1 of 2 requests with a W3C trace context deviate
      unsampled-request 1af7651916cd43dd8448eb211c80319c was traced all the same: 6 spans
    OBS-32/contextIsPropagated apps inconclusive: looked at 0 requests with a W3C trace context, needed 2: too few to judge
    OBS-32/contextIsPropagated apps inconclusive: looked at 0 requests with a W3C trace context, needed 2: too few to judge
    OBS-32/contextIsPropagated apps inconclusive: looked at 0 requests with a W3C trace context, needed 2: too few to judge
    OBS-33/oneTraceAcrossClusters across deviates: 1 of 1 complete traces of sampled requests from apps to infra deviate
      sampled-request 0af7651916cd43dd8448eb211c80319c has 4 of 4 spans of infra that hang below none of apps
    OBS-33/oneTraceAcrossClusters across inconclusive: looked at 0 complete traces of sampled requests from apps to infra, needed 1: too few to judge
    OBS-33/oneTraceAcrossClusters across inconclusive: looked at 0 complete traces of sampled requests from apps to infra, needed 1: too few to judge
    OBS-33/oneTraceAcrossClusters across inconclusive: looked at 0 complete traces of sampled requests from apps to infra, needed 1: too few to judge
    OBS-35/dependencyMap infra deviates: 1 of 1 calls between services that Jaeger has spans of deviate
      call of conformance-callee by conformance-caller is not on the map, which has gitlab to registry
    OBS-35/dependencyMap infra deviates: 1 of 1 calls between services that Jaeger has spans of deviate
      call of conformance-callee by conformance-caller is not on the map, which has no edge
    OBS-35/dependencyMap infra inconclusive: looked at 0 calls between services that Jaeger has spans of, needed 1: too few to judge
    OBS-36/spansShowSlowHop apps deviates: 1 of 5 spans below another one in the complete trace of a request deviate
      inbound span of meshed-r-2 on infra lies 2993.5 ms outside the span above it
    OBS-36/spansShowSlowHop apps deviates: 1 of 5 spans below another one in the complete trace of a request deviate
      inbound span of meshed-r-2 on infra took 309.0 ms longer than the span above it
    OBS-36/spansShowSlowHop apps inconclusive: looked at 0 spans below another one in the complete trace of a request, needed 2: too few to judge
    OBS-36/spansShowSlowHop apps inconclusive: looked at 0 spans below another one in the complete trace of a request, needed 2: too few to judge
    OBS-36/spansShowSlowHop apps inconclusive: looked at 0 spans below another one in the complete trace of a request, needed 2: too few to judge
    OBS-66/controlPlaneIsMonitored apps deviates: 1 of 3 programs of the control plane deviate
      linkerd-proxy-injector was not reached by any scrape in 120 s: linkerd-proxy-injector-x1
    OBS-66/controlPlaneIsMonitored apps inconclusive: answers of the metrics store on apps could not be read: the metrics store on infra did not answer vector(1)
    OBS-66/controlPlaneIsMonitored infra deviates: 1 of 3 programs of the control plane deviate
      linkerd-identity is not scraped
    OBS-66/controlPlaneIsMonitored infra inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    OBS-66/issuerIsMonitored apps inconclusive: answers of the metrics store on apps could not be read: the metrics store on infra did not answer vector(1)
    OBS-66/issuerIsMonitored apps inconclusive: looked at 0 series of issuer_cert_ttl_seconds, needed 1: too few to judge
    OBS-66/issuerIsMonitored infra deviates: 1 of 1 series of issuer_cert_ttl_seconds deviate
      issuer of linkerd-identity-x1 has -3600 s left
    OBS-66/issuerIsMonitored infra inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    OBS-67/gatewayIsMonitored across deviates: 1 of 1 series of gateway_alive of the link to infra deviate
      link infra has no latency of a probe
    OBS-67/gatewayIsMonitored across deviates: 1 of 1 series of gateway_alive of the link to infra deviate
      link infra has no sample of the last 270 s
    OBS-67/gatewayIsMonitored across inconclusive: answers of the metrics store on infra could not be read: the metrics store on infra did not answer vector(1)
    OBS-67/gatewayIsMonitored across inconclusive: looked at 0 series of gateway_alive of the link to infra, needed 1: too few to judge"
  `)
})

const sources = [
  ...new Map(places.flatMap(({ check }) => Object.values(check.reads).map(({ source }) => [source.id, source]))).keys(),
]

test.each(sources)('%s: with nothing in it, or out of reach, no check that reads it conforms', (id) => {
  for (const listing of [
    { state: 'listed', items: [] },
    { state: 'unreachable', reason: 'no answer' },
  ] as const) {
    const gone = { infra: { ...exampleItems.infra, [id]: listing }, apps: { ...exampleItems.apps, [id]: listing } }
    const readers = judgedOn(gone).filter((_, index) =>
      Object.values(places[index]?.check.reads ?? {}).some(({ source }) => source.id === id),
    )
    expect(readers.filter(({ judgedAs }) => judgedAs !== 'inconclusive').map(textOf)).toEqual([])
  }
})
