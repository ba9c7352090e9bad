import type { Observer } from '../observe.ts'
import { observeAlertRouting } from './alert-routing.ts'
import { observeAlertRules } from './alert-rules.ts'
import { observeDashboards } from './dashboards.ts'
import { observeDatabaseSpans } from './database-spans.ts'
import { observeGatus } from './gatus.ts'
import { observeKromgo } from './kromgo.ts'
import { observeLogLines, observeLogStructure } from './log-lines.ts'
import { observeMetrics } from './metrics.ts'
import { observeOwnRequestMetrics } from './own-request-metrics.ts'
import { observeOwnSpans } from './own-spans.ts'
import { observeOwnTrace } from './own-trace.ts'
import { observeNearRequests } from './near-requests.ts'
import { observePolicyRequests } from './policy-requests.ts'
import { observeSilences } from './silences.ts'
import { observeTracedLines } from './traced-lines.ts'
import { observeVizEdges, observeVizStats } from './viz.ts'
import { observeScrapedProxies } from './scraped-proxies.ts'
import { observeAddresses } from './addresses.ts'
import { observeAPIEndpoints } from './api-endpoints.ts'
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
  'api-endpoints': observeAPIEndpoints,
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
  'traced-lines': observeTracedLines,
  'database-spans': observeDatabaseSpans,
  'viz-edges': observeVizEdges,
  'viz-stats': observeVizStats,
  'alert-rules': observeAlertRules,
  'alert-routing': observeAlertRouting,
  silences: observeSilences,
  dashboards: observeDashboards,
  'watched-endpoints': observeGatus,
  'kromgo-figures': observeKromgo,
  'near-requests': observeNearRequests,
  'policy-requests': observePolicyRequests,
  ceph: observeCeph,
  'mounted-volumes': observeMountedVolumes,
}
