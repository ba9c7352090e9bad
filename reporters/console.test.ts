import { expect, test } from 'vitest'
import { buildReport } from './build-report.ts'
import { consoleView } from './console.ts'
import { runOf, sampleRun } from './sample.ts'

const paths = ['reports/conformance.json', 'reports/allure/index.html']

test('a night with every outcome', () => {
  expect(consoleView(buildReport(sampleRun()), { colors: false, paths })).toMatchInlineSnapshot(`
    "twinproof 0.1.0   document MULTI-CLUSTER-OVERVIEW v2.0, 2025-11-05   target: pair (simulated)
      a verdict on the pair is a proof of the suite, never of anybody's platform
      infra  context infra   kube-system 6f0c21ab   v1.34.1   3 nodes     71 pods
      apps   context apps    kube-system 91aa07de   v1.34.1   3 nodes     64 pods

      topology          1/1
      network           0/2   1 deviates   1 inconclusive
      mesh              0/2   1 deviates   1 waived
      storage           0/1   1 disputed
      observability     0/1   1 planned
      resources         0/1   1 unsupported
      recovery          0/1   1 unsupported

    DEVIATES  NET-08  every LoadBalancer address comes from the pool of its cluster                 apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 1 LoadBalancer Services
      found      1 of 4 LoadBalancer Services: Service gitlab/gitlab-webservice uses 10.25.11.149
      look       kubectl --context apps -n gitlab get service gitlab-webservice -o yaml
      evidence   reports/evidence/apps/NET-08.json

    DEVIATES  MESH-05  every meshed pod carries a proxy of 2.18                                     apps
      document   line 131: "Automatic mTLS between all services"
      needed     a container linkerd-proxy of version 2.18, for each of at least 38 meshed pods (the
                 Deployments of the document ask for 38)
      found      17 of 41 meshed pods:
                 Pod gitlab/web-0 has linkerd-proxy 2.17.1
                 Pod gitlab/web-1 has linkerd-proxy 2.17.1
                 Pod gitlab/web-2 has linkerd-proxy 2.17.1
                 Pod gitlab/web-3 has linkerd-proxy 2.17.1
                 Pod gitlab/web-4 has linkerd-proxy 2.17.1
                 and 12 more
      look       kubectl --context apps -n gitlab get pod web-0 -o yaml

    INCONCLUSIVE  NET-09  every LoadBalancer address is announced                                  infra
      document   line 47: "BGP"
      needed     a peer at 10.25.11.1, for each of at least 1 CiliumBGPPeeringPolicies (the document
                 names one router)
      found      looked at 0 CiliumBGPPeeringPolicies, needed 1: too few to judge

    DISPUTED  STO-05  Ceph offers 3 TB of usable space                                       infra, apps
      document   line 320: Three 1 TB drives at replica 3 are 3 TB usable in each cluster.
      but        Three copies on 3 TB raw leave about 1 TB usable, and about 0.85 TB before the
                 near-full limit.
      observed   infra: usable space: documented 3 TB, observed 0.98 TB
      observed   apps: usable space: documented 3 TB, observed 0.97 TB

    EXPIRED   MESH-05  the waiver of platform team ended on 2026-11-01 and counts as none
    EARLY     OBS-07  conforms already, though it belongs to phase 3

    WAIVED    MESH-12  mirror of MinIO is moved in December (storage team, until 2026-12-24; 1
              of 3 exported Services deviate)
    PLANNED   OBS-07: for phase 3
    UNSUPPORTED  RES-04: needs NodeMetrics on infra: the API metrics.k8s.io is not served
    UNSUPPORTED  DR-04: not judged: needs a drill

    9 claims: 1 conforms, 2 deviate, 1 inconclusive, 1 disputed, 2 unsupported, 1 planned, 1 waived
      judged in 8.4 s, observed in 21.0 s, 61.4 s in all; exit 1
      needs attention NET-08 apps, MESH-05 apps, NET-09 infra
      slowest MESH-05/proxyVersion infra 3.1 s, NET-08/loadBalancerPool apps 0.9 s
      reports/conformance.json   reports/allure/index.html
    "
  `)
})

test('a quiet night on live clusters, read-only and filtered', () => {
  const run = {
    ...runOf('conforms'),
    target: 'live' as const,
    readOnly: true,
    filter: { claims: ['TOPO-02'], chapters: [] },
  }
  expect(consoleView(buildReport(run), { colors: false, paths })).toMatchInlineSnapshot(`
    "twinproof 0.1.0   document MULTI-CLUSTER-OVERVIEW v2.0, 2025-11-05   target: live, read-only
      a verdict on these two clusters at this time
      only TOPO-02
      infra  context infra   kube-system 6f0c21ab   v1.34.1   3 nodes     71 pods
      apps   context apps    kube-system 91aa07de   v1.34.1   3 nodes     64 pods

      topology          1/1

    1 claim: 1 conforms, 0 deviate, 0 inconclusive, 0 disputed, 0 unsupported, 0 planned, 0 waived
      judged in 8.4 s, observed in 21.0 s, 61.4 s in all; exit 0
      reports/conformance.json   reports/allure/index.html
    "
  `)
})

test('a run that failed in set-up says first why', () => {
  const setupFailure = {
    what: 'connecting to apps',
    where: 'context apps, https://127.0.0.1:16443',
    expected: 'the cluster with kube-system UID 91aa07de, as conformance.yaml pins it',
    found: 'the cluster with kube-system UID 11111111',
    try: 'point the context apps to the right cluster, or change the pinned UID in conformance.yaml',
  }
  const report = buildReport({ ...sampleRun(), results: [], clusters: { infra: null, apps: null }, setupFailure })
  expect(consoleView(report, { colors: false })).toMatchInlineSnapshot(`
    "twinproof 0.1.0   document MULTI-CLUSTER-OVERVIEW v2.0, 2025-11-05   target: pair (simulated)
      a verdict on the pair is a proof of the suite, never of anybody's platform
      infra  not reached
      apps   not reached

    SET-UP FAILED  connecting to apps
      where      context apps, https://127.0.0.1:16443
      expected   the cluster with kube-system UID 91aa07de, as conformance.yaml pins it
      found      the cluster with kube-system UID 11111111
      try        point the context apps to the right cluster, or change the pinned UID in
                 conformance.yaml

    EXPIRED   MESH-05  the waiver of platform team ended on 2026-11-01 and counts as none

    9 claims: 0 conform, 0 deviate, 8 inconclusive, 0 disputed, 1 unsupported, 0 planned, 0 waived
      judged in 8.4 s, observed in 21.0 s, 61.4 s in all; exit 3
    "
  `)
})

test('colour adds nothing but colour, and no line is wider than 100 columns', () => {
  const report = buildReport(sampleRun())
  const plain = consoleView(report, { colors: false })
  const colored = consoleView(report, { colors: true })
  expect(colored).not.toBe(plain)
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is removed
  expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain)
  expect(plain.split('\n').filter((line) => line.length > 100)).toEqual([])
})
