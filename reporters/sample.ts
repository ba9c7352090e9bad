import type { Outcome } from '../check/outcome.ts'
import type { Deviation, Result } from '../check/result.ts'
import type { ClaimToReport, Run } from './build-report.ts'
import type { Judged } from './judged.ts'

/** A made-up run with every outcome, to try the reporters on. Nothing in it was ever observed. */

export function sampleResult(changes: Partial<Result> & Pick<Result, 'claim' | 'check'>): Result {
  const outcome = changes.outcome ?? 'conforms'
  return {
    fact: 'every node carries the documented name',
    cluster: 'infra',
    outcome,
    judgedAs: judgedAs[outcome],
    reason: 'looked at 3 Nodes, needed 3',
    population: 'Nodes',
    lookedAt: 3,
    needed: 3,
    expected: 'one of infra-01, infra-02, infra-03',
    deviations: [],
    figures: [],
    durationMs: 4,
    method: 'api',
    ...changes,
  }
}

const judgedAs: Record<Outcome, Result['judgedAs']> = {
  conforms: 'conforms',
  deviates: 'deviates',
  disputed: 'deviates',
  waived: 'deviates',
  inconclusive: 'inconclusive',
  unsupported: 'unsupported',
  planned: 'conforms',
}

function sampleClaim(changes: Partial<ClaimToReport> & Pick<ClaimToReport, 'id' | 'chapter' | 'claim'>): ClaimToReport {
  return {
    lines: [38],
    quote: 'Nodes: 10.25.11.11-13',
    phase: 1,
    clusters: 'each',
    methods: { judged: ['api'], open: [] },
    ...changes,
  }
}

const deviation = (name: string, found: string): Deviation => ({
  subject: `Service gitlab/${name}`,
  cluster: 'apps',
  found,
  look: `-n gitlab get service ${name} -o yaml`,
})

const claims: ClaimToReport[] = [
  sampleClaim({
    id: 'TOPO-02',
    chapter: 'topology',
    clusters: 'infra',
    claim: 'Infra has three nodes: infra-01, infra-02 and infra-03 at 10.25.11.11, 10.25.11.12 and 10.25.11.13.',
  }),
  sampleClaim({
    id: 'NET-08',
    chapter: 'network',
    clusters: 'apps',
    lines: [46],
    quote: 'LoadBalancer: .150-.199',
    claim: 'Services of type LoadBalancer on apps get addresses from 10.25.11.150 to 10.25.11.199.',
  }),
  sampleClaim({
    id: 'NET-09',
    chapter: 'network',
    lines: [47],
    quote: 'BGP',
    claim: 'Cilium announces LoadBalancer addresses.',
  }),
  sampleClaim({
    id: 'MESH-05',
    chapter: 'mesh',
    lines: [131],
    quote: 'Automatic mTLS between all services',
    claim: 'Every meshed pod carries a proxy of the documented version.',
    waiver: { justification: 'upgrade window agreed', owner: 'platform team', until: '2026-11-01', expired: true },
  }),
  sampleClaim({
    id: 'MESH-12',
    chapter: 'mesh',
    clusters: 'across',
    lines: [80, 110],
    quote: 'Mirrored services',
    claim: 'Every exported service of infra is mirrored on apps.',
    waiver: {
      justification: 'mirror of MinIO is moved in December',
      owner: 'storage team',
      until: '2026-12-24',
      expired: false,
    },
  }),
  sampleClaim({
    id: 'STO-05',
    chapter: 'storage',
    lines: [320],
    quote: '3 TB usable',
    claim: 'Ceph offers 3 TB of usable space.',
    dispute: {
      id: 'C-01',
      says: 'Three 1 TB drives at replica 3 are 3 TB usable in each cluster.',
      but: 'Three copies on 3 TB raw leave about 1 TB usable, and about 0.85 TB before the near-full limit.',
    },
  }),
  sampleClaim({
    id: 'OBS-07',
    chapter: 'observability',
    phase: 3,
    clusters: 'infra',
    claim: 'Jaeger keeps traces for seven days.',
  }),
  sampleClaim({
    id: 'RES-04',
    chapter: 'resources',
    clusters: 'infra',
    claim: 'The platform of infra fits its budget.',
  }),
  sampleClaim({
    id: 'DR-04',
    chapter: 'recovery',
    claim: 'A lost node is replaced within 15 minutes.',
    methods: { judged: [], open: ['fault'] },
    notJudged: 'not judged: needs a drill',
  }),
]

const loadBalancerPool = {
  fact: 'every LoadBalancer address comes from the pool of its cluster',
  population: 'LoadBalancer Services',
  expected: 'an address in 10.25.11.150-10.25.11.199',
  needed: 1,
}

const usableSpace = (cluster: 'infra' | 'apps', observed: number) =>
  sampleResult({
    claim: 'STO-05',
    check: 'STO-05/usableSpace',
    fact: 'Ceph offers 3 TB of usable space',
    cluster,
    outcome: 'disputed',
    reason: 'Three copies on 3 TB raw leave about 1 TB usable (1 of 1 CephClusters deviate)',
    population: 'CephClusters',
    lookedAt: 1,
    needed: 1,
    expected: '3 TB usable',
    deviations: [{ subject: 'CephCluster rook-ceph/rook-ceph', cluster, found: `offers ${observed} TB` }],
    figures: [{ name: 'usable space', unit: 'TB', documented: 3, observed }],
  })

const results: Result[] = [
  sampleResult({ claim: 'TOPO-02', check: 'TOPO-02/nodeNames' }),
  sampleResult({
    claim: 'NET-08',
    check: 'NET-08/loadBalancerPool',
    ...loadBalancerPool,
    cluster: 'apps',
    outcome: 'deviates',
    reason: '1 of 4 LoadBalancer Services deviate',
    lookedAt: 4,
    deviations: [deviation('gitlab-webservice', 'uses 10.25.11.149')],
    durationMs: 912,
    evidence: 'reports/evidence/apps/NET-08.json',
  }),
  sampleResult({
    claim: 'NET-09',
    check: 'NET-09/announced',
    fact: 'every LoadBalancer address is announced',
    outcome: 'inconclusive',
    reason: 'looked at 0 CiliumBGPPeeringPolicies, needed 1: too few to judge',
    population: 'CiliumBGPPeeringPolicies',
    lookedAt: 0,
    needed: 1,
    neededBecause: 'the document names one router',
    expected: 'a peer at 10.25.11.1',
  }),
  sampleResult({
    claim: 'NET-09',
    check: 'NET-09/announced',
    cluster: 'apps',
    fact: 'every LoadBalancer address is announced',
  }),
  sampleResult({
    claim: 'MESH-05',
    check: 'MESH-05/proxyVersion',
    fact: 'every meshed pod carries a proxy of 2.18',
    durationMs: 3100,
  }),
  sampleResult({
    claim: 'MESH-05',
    check: 'MESH-05/proxyVersion',
    fact: 'every meshed pod carries a proxy of 2.18',
    cluster: 'apps',
    outcome: 'deviates',
    reason: '17 of 41 meshed pods deviate',
    population: 'meshed pods',
    lookedAt: 41,
    needed: 38,
    neededBecause: 'the Deployments of the document ask for 38',
    expected: 'a container linkerd-proxy of version 2.18',
    deviations: Array.from({ length: 17 }, (_, index) => ({
      subject: `Pod gitlab/web-${index}`,
      cluster: 'apps' as const,
      found: 'has linkerd-proxy 2.17.1',
      look: `-n gitlab get pod web-${index} -o yaml`,
    })),
  }),
  sampleResult({
    claim: 'MESH-12',
    check: 'MESH-12/mirrored',
    fact: 'every exported service of infra is mirrored on apps',
    cluster: 'across',
    outcome: 'waived',
    reason: 'mirror of MinIO is moved in December (storage team, until 2026-12-24; 1 of 3 exported Services deviate)',
    population: 'exported Services',
    lookedAt: 3,
    needed: 3,
    expected: 'a mirror with endpoints',
    deviations: [{ subject: 'Service minio/minio', cluster: 'apps', found: 'has no mirror' }],
  }),
  usableSpace('infra', 0.98),
  usableSpace('apps', 0.97),
  sampleResult({
    claim: 'OBS-07',
    check: 'OBS-07/retention',
    fact: 'Jaeger keeps traces for seven days',
    outcome: 'planned',
    reason: 'belongs to phase 3, the platform is in phase 2; today it conforms already (looked at 1 Jaegers, needed 1)',
  }),
  sampleResult({
    claim: 'RES-04',
    check: 'RES-04/budget',
    fact: 'the platform of infra stays in its budget',
    outcome: 'unsupported',
    reason: 'needs NodeMetrics on infra: the API metrics.k8s.io is not served',
    lookedAt: 0,
  }),
]

/** The sample run; change what a test is about. */
export function sampleRun(changes: Partial<Run> = {}): Run {
  const given = changes.results ?? results
  return {
    tool: { name: 'twinproof', version: '0.1.0' },
    document: { title: 'MULTI-CLUSTER-OVERVIEW', version: '2.0', date: '2025-11-05' },
    target: 'pair',
    startedAt: '2026-11-24T03:00:00Z',
    durationMs: 61_400,
    judgingMs: 8_400,
    observingMs: 21_000,
    clusters: {
      infra: { context: 'infra', uid: '6f0c21ab-1e0f-4d52-8f0e-0c1f5f6f0001', version: 'v1.34.1', nodes: 3, pods: 71 },
      apps: { context: 'apps', uid: '91aa07de-3d3b-4b43-8c57-5b6f5f6f0002', version: 'v1.34.1', nodes: 3, pods: 64 },
    },
    claims,
    planned: given.map(({ claim, check, cluster }) => ({ claim, check, cluster })),
    results,
    ...changes,
  }
}

/** What the judging tests of the sample run leave behind, with every subject that was looked at. */
export function sampleJudged(run: Run = sampleRun()): Judged[] {
  return run.results.flatMap((result) => {
    const claim = run.claims.find(({ id }) => id === result.claim)
    if (!claim) return []
    const failing = result.deviations.map(({ subject, cluster, found }) => ({ subject, cluster, holds: found }))
    const holding = Array.from({ length: Math.max(0, result.lookedAt - failing.length) }, (_, index) => ({
      subject: `${result.population} ${index + 1}`,
      cluster: result.cluster,
      holds: true as const,
    }))
    return [{ result, claim, chapter: claim.chapter, subjects: [...holding, ...failing] }]
  })
}

/** A run of one claim with one result of this outcome. */
export function runOf(outcome: Outcome): Run {
  const claim = sampleClaim({ id: 'TOPO-02', chapter: 'topology', claim: 'Infra has three nodes.' })
  return sampleRun({
    claims: [claim],
    results: [sampleResult({ claim: 'TOPO-02', check: 'TOPO-02/nodeNames', outcome })],
  })
}
