import type { Check } from '../check/check.ts'
import { isCheck } from '../check/check.ts'
import * as dataSessions from './data.ts'
import * as dataPlacement from './data-placement.ts'
import * as dataPostgres from './data-postgres.ts'
import * as gitops from './gitops.ts'
import * as meshItself from './mesh.ts'
import * as across from './mesh-across.ts'
import * as bypass from './mesh-bypass.ts'
import * as failover from './mesh-failover.ts'
import * as identity from './mesh-identity.ts'
import * as locality from './mesh-locality.ts'
import * as multicluster from './mesh-multicluster.ts'
import * as policies from './mesh-policies.ts'
import * as networkItself from './network.ts'
import * as dns from './network-dns.ts'
import * as gateways from './network-gateways.ts'
import * as reachability from './network-reachability.ts'
import * as observabilityItself from './observability.ts'
import * as alerts from './observability-alerts.ts'
import * as dashboards from './observability-dashboards.ts'
import * as viz from './observability-viz.ts'
import * as recoveryCluster from './recovery-cluster.ts'
import * as recoveryTargets from './recovery-targets.ts'
import * as recoveryVolumes from './recovery-volumes.ts'
import * as capacity from './resources.ts'
import * as allocation from './resources-allocation.ts'
import * as securityAccess from './security-access.ts'
import * as securityAudit from './security-audit.ts'
import * as securityData from './security-data.ts'
import * as securityNetwork from './security-network.ts'
import * as securitySecrets from './security-secrets.ts'
import * as storageCeph from './storage-ceph.ts'
import * as storageObserved from './storage-observed.ts'
import * as storageVolumes from './storage-volumes.ts'
import * as telemetryLogs from './telemetry-logs.ts'
import * as telemetryMesh from './telemetry-mesh.ts'
import * as telemetryMetrics from './telemetry-metrics.ts'
import * as telemetryPaths from './telemetry-paths.ts'
import * as telemetryTraces from './telemetry-traces.ts'
import * as topology from './topology.ts'
import * as versions from './versions.ts'
import * as components from './workloads.ts'
import * as runners from './workloads-runners.ts'

const mesh = {
  ...meshItself,
  ...across,
  ...bypass,
  ...identity,
  ...multicluster,
  ...failover,
  ...locality,
  ...policies,
  ...telemetryMesh,
}
const observability = {
  ...observabilityItself,
  ...alerts,
  ...dashboards,
  ...viz,
  ...telemetryMetrics,
  ...telemetryTraces,
  ...telemetryPaths,
  ...telemetryLogs,
}
const network = { ...networkItself, ...gateways, ...reachability, ...dns }
const data = { ...dataSessions, ...dataPlacement, ...dataPostgres }
const security = { ...securitySecrets, ...securityAccess, ...securityNetwork, ...securityData, ...securityAudit }
const recovery = { ...recoveryVolumes, ...recoveryCluster, ...recoveryTargets }
const workloads = { ...components, ...runners }
const resources = { ...capacity, ...allocation }
const storage = { ...storageCeph, ...storageVolumes, ...storageObserved }
/** The chapters whose claims are judged, in the order of the document. The name of an export is the name of its check. */
const modules = {
  topology,
  network,
  mesh,
  data,
  storage,
  observability,
  gitops,
  security,
  recovery,
  workloads,
  resources,
  versions,
}

export type NamedCheck = { chapter: string; name: string; check: Check }

export const allChecks: readonly NamedCheck[] = Object.entries(modules).flatMap(([chapter, module]) =>
  Object.entries<unknown>(module)
    // Runtimes do not agree on the order of a module's exports.
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => (isCheck(value) ? [{ chapter, name, check: value }] : [])),
)

const chapterOfPrefix: Record<string, string> = {
  TOPO: 'topology',
  NET: 'network',
  MESH: 'mesh',
  DATA: 'data',
  STO: 'storage',
  OBS: 'observability',
  GIT: 'gitops',
  SEC: 'security',
  DR: 'recovery',
  WORK: 'workloads',
  RES: 'resources',
  VER: 'versions',
  PERF: 'performance',
}

/** The chapter of a claim, from the prefix of its id. */
export function chapterOf(claim: string): string {
  const [prefix = ''] = claim.split('-')
  const chapter = chapterOfPrefix[prefix]
  if (chapter === undefined) throw new Error(`claim ${claim}: no chapter has the prefix ${prefix}`)
  return chapter
}
