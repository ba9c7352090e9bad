import type { ClusterName } from '../../platform/platform.ts'
import { scrapedWithinSeconds } from '../kinds/telemetry.ts'
import { probeNamespace } from '../probes/objects.ts'

/**
 * A question to the metrics store. A platform that has just been built may take some scrapes to answer it, so it is
 * asked again until `least` series came, and where `settles`, until no more are coming.
 */
export type Query = { name: string; expression: string; least: number; settles: boolean }

/** The same questions about each cluster. `label` is the external label that its agent gives to every series. */
export function queriesAbout(cluster: ClusterName, label: string): Query[] {
  const here = `${label}="${cluster}"`
  const calls = `${here},direction="outbound",dst_service!=""`
  const service = 'dst_namespace,dst_service'
  const latency = (quantile: number) =>
    `histogram_quantile(${quantile}, sum by (le,${service}) (response_latency_ms_bucket{${calls}}))`
  const awaited = {
    // Of all series, so that those of the other cluster and those without the label are seen too.
    'samples-by-cluster': `count by (${label}) (up)`,
    // Without those of the probes, which come while this is asked: their number would not settle before they stood.
    // A scrape that failed once is a busy moment; one that fails for minutes is a target that is not watched.
    targets: `max_over_time(up{${here},namespace!="${probeNamespace}"}[${scrapedWithinSeconds}s])`,
    'sample-age': `time() - max by (job) (timestamp(up{${here}}))`,
    requests: `sum by (${service}) (request_total{${calls}})`,
    // A service that never succeeded has a rate too: none of its responses is a success.
    'success-rate': `(sum by (${service}) (response_total{${calls},classification="success"}) or 0 * sum by (${service}) (response_total{${calls}})) / sum by (${service}) (response_total{${calls}})`,
    'latency-p50': latency(0.5),
    'latency-p95': latency(0.95),
    'latency-p99': latency(0.99),
    'calls-by-authority': `sum by (authority,${service}) (request_total{${here},direction="outbound",authority=~".+[.]svc[.].+"})`,
    'issuer-lifetime': `issuer_cert_ttl_seconds{${here}}`,
    ...(cluster === 'apps'
      ? {
          'gateway-alive': `gateway_alive{${here}}`,
          'gateway-age': `time() - timestamp(gateway_alive{${here}})`,
          'gateway-probes': `sum by (target_cluster_name) (gateway_probe_latency_ms_count{${here}})`,
        }
      : {}),
  }
  const optional = {
    // Opaque connections: counted, but without requests that a rate could be made of.
    'services-without-requests': `sum by (${service}) (tcp_open_total{${calls},peer="dst"}) unless on (${service}) request_total{${calls}}`,
    routes: `sum by (route_name) (request_total{${here},direction="inbound"})`,
    'remote-write-pending': `sum(vmagent_remotewrite_pending_data_bytes{${here}})`,
    'remote-write-dropped': `sum(vmagent_remotewrite_packets_dropped_total{${here}})`,
  }
  return [
    ...Object.entries(awaited).map(([name, expression]) => ({
      name,
      expression,
      least: name === 'samples-by-cluster' ? 2 : 1,
      settles: name === 'targets',
    })),
    ...Object.entries(optional).map(([name, expression]) => ({ name, expression, least: 0, settles: false })),
  ]
}
