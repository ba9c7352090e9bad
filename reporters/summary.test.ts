import { expect, test } from 'vitest'
import { buildReport } from './build-report.ts'
import { runOf, sampleResult, sampleRun } from './sample.ts'
import { summaryText } from './summary.ts'

test('the job summary of a night with every outcome', () => {
  expect(summaryText(buildReport(sampleRun()))).toMatchInlineSnapshot(`
    "## 1 of 9 sentences holds. 2 do not. 1 could not be judged.

    MULTI-CLUSTER-OVERVIEW v2.0, judged by twinproof 0.1.0 on infra v1.34.1 (kube-system 6f0c21ab) and apps v1.34.1 (kube-system 91aa07de). Target pair: a verdict on the pair is a proof of the suite, never of anybody's platform.

    \`\`\`text
    DEVIATES  NET-08  every LoadBalancer address comes from the pool of its cluster                 apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 1 LoadBalancer Services
      found      1 of 4 LoadBalancer Services: Service gitlab/gitlab-webservice uses 10.25.11.149
      look       kubectl --context apps -n gitlab get service gitlab-webservice -o yaml
      evidence   reports/evidence/apps/NET-08.json
    \`\`\`

    \`\`\`text
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
    \`\`\`

    \`\`\`text
    INCONCLUSIVE  NET-09  every LoadBalancer address is announced                                  infra
      document   line 47: "BGP"
      needed     a peer at 10.25.11.1, for each of at least 1 CiliumBGPPeeringPolicies (the document
                 names one router)
      found      looked at 0 CiliumBGPPeeringPolicies, needed 1: too few to judge
    \`\`\`

    ### Disputed: the document contradicts itself or the software

    - **STO-05** (line 320) Three 1 TB drives at replica 3 are 3 TB usable in each cluster. **But** Three copies on 3 TB raw leave about 1 TB usable, and about 0.85 TB before the near-full limit.

    ### Waived

    - **MESH-12** (lines 80, 110) mirror of MinIO is moved in December (storage team, until 2026-12-24; 1 of 3 exported Services deviate)

    | chapter | claims | conforms | waived | planned | unsupported | disputed | inconclusive | deviates |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | topology | 1 | 1 |  |  |  |  |  |  |
    | network | 2 |  |  |  |  |  | 1 | 1 |
    | mesh | 2 |  | 1 |  |  |  |  | 1 |
    | storage | 1 |  |  |  |  | 1 |  |  |
    | observability | 1 |  |  | 1 |  |  |  |  |
    | resources | 1 |  |  |  | 1 |  |  |  |
    | recovery | 1 |  |  |  | 1 |  |  |  |

    <details><summary>3 planned or unsupported</summary>

    - **OBS-07** (line 38) planned: belongs to phase 3, the platform is in phase 2; today it conforms already (looked at 1 Jaegers, needed 1)
    - **RES-04** (line 38) unsupported: needs NodeMetrics on infra: the API metrics.k8s.io is not served
    - **DR-04** (line 38) unsupported: not judged: needs a drill

    </details>
    "
  `)
})

test('a run that failed in set-up has no verdict', () => {
  const setupFailure = {
    what: 'connecting to apps',
    where: 'context apps',
    expected: 'an API server',
    found: 'connection refused',
    try: 'start it',
  }
  const report = buildReport({ ...sampleRun(), results: [], clusters: { infra: null, apps: null }, setupFailure })
  const [head] = summaryText(report).split('\n| chapter')
  expect(head).toMatchInlineSnapshot(`
    "## No verdict: the run failed in set-up

    MULTI-CLUSTER-OVERVIEW v2.0, judged by twinproof 0.1.0 on infra not reached and apps not reached. Target pair: a verdict on the pair is a proof of the suite, never of anybody's platform.

    \`\`\`text
    SET-UP FAILED  connecting to apps
      where      context apps
      expected   an API server
      found      connection refused
      try        start it
    \`\`\`
    "
  `)
})

test('text of a cluster cannot break out of its block', () => {
  const reason = 'found\n```\n# not a heading'
  const result = sampleResult({ claim: 'TOPO-02', check: 'TOPO-02/nodeNames', outcome: 'inconclusive', reason })
  const text = summaryText(buildReport({ ...runOf('inconclusive'), results: [result] }))
  expect(text).toContain('````text\nINCONCLUSIVE')
})
