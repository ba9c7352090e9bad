import type { Observer } from '../observe.ts'
import { observeLogLines, observeLogStructure } from './log-lines.ts'
import { observeMetrics } from './metrics.ts'
import { observeOwnRequestMetrics } from './own-request-metrics.ts'
import { observeOwnSpans } from './own-spans.ts'
import { observeOwnTrace } from './own-trace.ts'
import { observeScrapedProxies } from './scraped-proxies.ts'
import { observeAddresses } from './addresses.ts'
import { observeCeph } from './ceph.ts'
import { observeMountedVolumes } from './mounted-volumes.ts'
import { observeMeshRequests } from './mesh-requests.ts'
import { observeDataServices } from './cross-cluster-services.ts'
import { observeExport } from './exported-service.ts'
import { observeStrangers } from './strangers.ts'
import { observeProxyCertificates } from './proxy-certificates.ts'
import { observeReachability } from './reachability.ts'

/** Every observer by the name that its source carries. */
export const observers: Readonly<Record<string, Observer>> = {
  addresses: observeAddresses,
  'mesh-requests': observeMeshRequests,
  'proxy-certificates': observeProxyCertificates,
  reachability: observeReachability,
  'cross-cluster-services': observeDataServices,
  strangers: observeStrangers,
  'exported-service': observeExport,
  metrics: observeMetrics,
  'scraped-proxies': observeScrapedProxies,
  'own-request-metrics': observeOwnRequestMetrics,
  'own-trace': observeOwnTrace,
  'own-spans': observeOwnSpans,
  'log-lines': observeLogLines,
  'log-structure': observeLogStructure,
  ceph: observeCeph,
  'mounted-volumes': observeMountedVolumes,
}
