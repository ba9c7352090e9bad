import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Status } from 'allure-js-commons'
import type { TestResult } from 'allure-js-commons'
import { expect, test, vi } from 'vitest'
import { ConformanceAllureReporter } from './allure.ts'
import { clearResults, writeUnjudged } from './allure-unjudged.ts'
import { buildReport } from './build-report.ts'
import { judgingFile, runFixture } from './fixture-run.ts'
import { sampleJudged, sampleRun } from './sample.ts'
import { temporaryFolders } from '../fixtures/temporary-folders.ts'

// Each test runs vitest itself.
vi.setConfig({ testTimeout: 60_000 })

const newFolder = temporaryFolders('allure-results-')
const document = { title: 'MULTI-CLUSTER-OVERVIEW', version: '2.0', url: 'https://example.org/OVERVIEW.md' }

async function resultsIn(folder: string): Promise<TestResult[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('-result.json'))
  const all = await Promise.all(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by Allure's own writer
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as TestResult),
  )
  return all.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)))
}

const keyOf = ({ fullName, parameters }: TestResult) => `${fullName} ${parameters.map(({ value }) => value).join()}`
const clusterOf = ({ parameters }: TestResult) => parameters.find(({ name }) => name === 'cluster')?.value

async function resultsOf(files: Record<string, string>): Promise<TestResult[]> {
  const resultsDir = await newFolder()
  await runFixture(files, [new ConformanceAllureReporter({ resultsDir, document })])
  return resultsIn(resultsDir)
}

test('a deviation is a failed result that can be read alone', async () => {
  const resultsDir = await newFolder()
  const judged = sampleJudged().filter(({ claim }) => claim.id === 'NET-08')
  await runFixture({ 'judging.test.js': judgingFile(judged) }, [
    new ConformanceAllureReporter({ resultsDir, document }),
  ])
  const [result] = await resultsIn(resultsDir)
  const { uuid: _uuid, start: _start, stop: _stop, attachments = [], ...shown } = result ?? {}
  expect(shown).toMatchInlineSnapshot(`
    {
      "description": "Services of type LoadBalancer on apps get addresses from 10.25.11.150 to 10.25.11.199.

    > LoadBalancer: .150-.199

    MULTI-CLUSTER-OVERVIEW v2.0, line 46

    - **looked at** 4 LoadBalancer Services, **needed** 1
    - **each has to be** an address in 10.25.11.150-10.25.11.199
    - **deviates** 1 of 4 LoadBalancer Services deviate
    - **observed by** api",
      "fullName": "NET-08/loadBalancerPool",
      "historyId": "dc68f0d270d77e88eeed8abe6f19aabd:223695c73373a260e1408a6d4d15802d",
      "labels": [
        {
          "name": "epic",
          "value": "MULTI-CLUSTER-OVERVIEW v2.0",
        },
        {
          "name": "feature",
          "value": "network",
        },
        {
          "name": "story",
          "value": "NET-08",
        },
        {
          "name": "cluster",
          "value": "apps",
        },
        {
          "name": "outcome",
          "value": "deviates",
        },
        {
          "name": "phase",
          "value": "1",
        },
      ],
      "links": [
        {
          "name": "line 46",
          "type": "link",
          "url": "https://example.org/OVERVIEW.md?plain=1#L46",
        },
      ],
      "name": "NET-08  every LoadBalancer address comes from the pool of its cluster",
      "parameters": [
        {
          "name": "cluster",
          "value": "apps",
        },
        {
          "excluded": true,
          "name": "looked at",
          "value": "4 LoadBalancer Services",
        },
        {
          "excluded": true,
          "name": "needed",
          "value": "at least 1",
        },
      ],
      "stage": "finished",
      "status": "failed",
      "statusDetails": {
        "message": "DEVIATES  NET-08  every LoadBalancer address comes from the pool of its cluster                 apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 1 LoadBalancer Services
      found      1 of 4 LoadBalancer Services: Service gitlab/gitlab-webservice uses 10.25.11.149
      look       kubectl --context apps -n gitlab get service gitlab-webservice -o yaml
      evidence   reports/evidence/apps/NET-08.json",
      },
      "steps": [],
      "testCaseId": "dc68f0d270d77e88eeed8abe6f19aabd",
      "titlePath": [
        "network",
      ],
    }
  `)
  const [attachment] = attachments
  expect(await readFile(join(resultsDir, attachment?.source ?? ''), 'utf8')).toMatchInlineSnapshot(`
    "subject,cluster,found
    Service gitlab/gitlab-webservice,apps,uses 10.25.11.149
    LoadBalancer Services 1,apps,holds
    LoadBalancer Services 2,apps,holds
    LoadBalancer Services 3,apps,holds
    "
  `)
})

test('every result of a run is there, its status fits its outcome, and nothing but conforms has passed', async () => {
  const results = await resultsOf({ 'judging.test.js': judgingFile(sampleJudged()) })
  const lines = results.map((one) => [one.status, clusterOf(one), one.name, one.statusDetails.message].join(' | '))
  expect(lines).toMatchInlineSnapshot(`
    [
      "failed | apps | MESH-05  every meshed pod carries a proxy of 2.18 | DEVIATES  MESH-05  every meshed pod carries a proxy of 2.18                                     apps
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
      look       kubectl --context apps -n gitlab get pod web-0 -o yaml",
      "passed | infra | MESH-05  every meshed pod carries a proxy of 2.18 | ",
      "skipped | across | MESH-12  every exported service of infra is mirrored on apps | waived: mirror of MinIO is moved in December (storage team, until 2026-12-24; 1
    of 3 exported Services deviate)",
      "failed | apps | NET-08  every LoadBalancer address comes from the pool of its cluster | DEVIATES  NET-08  every LoadBalancer address comes from the pool of its cluster                 apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 1 LoadBalancer Services
      found      1 of 4 LoadBalancer Services: Service gitlab/gitlab-webservice uses 10.25.11.149
      look       kubectl --context apps -n gitlab get service gitlab-webservice -o yaml
      evidence   reports/evidence/apps/NET-08.json",
      "passed | apps | NET-09  every LoadBalancer address is announced | ",
      "broken | infra | NET-09  every LoadBalancer address is announced | INCONCLUSIVE  NET-09  every LoadBalancer address is announced                                  infra
      document   line 47: "BGP"
      needed     a peer at 10.25.11.1, for each of at least 1 CiliumBGPPeeringPolicies (the document
                 names one router)
      found      looked at 0 CiliumBGPPeeringPolicies, needed 1: too few to judge",
      "skipped | infra | OBS-07  Jaeger keeps traces for seven days | planned: belongs to phase 3, the platform is in phase 2; today it conforms
    already (looked at 1 Jaegers, needed 1)",
      "skipped | infra | RES-04  the platform of infra stays in its budget | unsupported: needs NodeMetrics on infra: the API metrics.k8s.io is not served",
      "skipped | apps | STO-05  Ceph offers 3 TB of usable space | disputed: Three copies on 3 TB raw leave about 1 TB usable (1 of 1 CephClusters
    deviate)",
      "skipped | infra | STO-05  Ceph offers 3 TB of usable space | disputed: Three copies on 3 TB raw leave about 1 TB usable (1 of 1 CephClusters
    deviate)",
      "passed | infra | TOPO-02  every node carries the documented name | ",
    ]
  `)
})

test('the clusters of one check have histories of their own, which survive other counts', async () => {
  const proxies = sampleJudged().filter(({ claim }) => claim.id === 'MESH-05')
  const tonight = await resultsOf({ 'judging.test.js': judgingFile(proxies) })
  const grown = proxies.map((one) => ({ ...one, result: { ...one.result, lookedAt: 99 } }))
  const tomorrow = await resultsOf({ 'other.test.js': judgingFile(grown) })
  const ids = tonight.map(({ historyId }) => historyId)
  expect(new Set(ids).size).toBe(2)
  expect(tomorrow.map(({ historyId }) => historyId)).toEqual(ids)
  expect(new Set(tonight.map(({ testCaseId }) => testCaseId)).size).toBe(1)
})

test('what allure-vitest leaves out of the report is in it', async () => {
  const results = await resultsOf({
    'plain.test.js': `
      test.skip('skipped where it is written', () => {})
      test.todo('not written yet')
      test('skipped with a note', ({ skip }) => skip('needs a drill'))
      test('annotated', async ({ annotate }) => { await annotate('looked at pod a') })
      test('two soft errors', () => { expect.soft(1).toBe(2); expect.soft(3).toBe(4) })`,
    'does-not-load.test.js': `throw new Error('bad import')`,
  })
  const lines = results.map(({ status, name, statusDetails, steps }) =>
    [status, name, statusDetails.message, ...steps.map((step) => `step: ${step.name}`)].join(' | '),
  )
  expect(lines).toMatchInlineSnapshot(`
    [
      "broken | does-not-load.test.js could not be loaded | bad import",
      "passed | annotated |  | step: looked at pod a",
      "skipped | not written yet | ",
      "skipped | skipped where it is written | ",
      "skipped | skipped with a note | needs a drill",
      "failed | two soft errors | expected 1 to be 2 // Object.is equality

    expected 3 to be 4 // Object.is equality",
    ]
  `)
  expect(results.map(({ statusDetails }) => statusDetails.trace ?? '').join('\n')).not.toMatch(/allure-/)
})

test('a test that fails outside of its judgement is broken, whatever it judged', async () => {
  const [conforming] = sampleJudged()
  const results = await resultsOf({
    'faults.test.js': `
      test('conforms, then throws', ({ task }) => {
        task.meta.conformance = ${JSON.stringify(conforming)}
        throw new Error('planned as A, judged as B')
      })
      test('half a result', ({ task }) => { task.meta.conformance = { result: {} } })`,
  })
  const lines = results.map(({ status, name, statusDetails }) => [status, name, statusDetails.message?.slice(0, 70)])
  expect(lines).toMatchInlineSnapshot(`
    [
      [
        "broken",
        "TOPO-02  every node carries the documented name",
        "planned as A, judged as B",
      ],
      [
        "broken",
        "half a result",
        "a judgement of unexpected form: ✖ Invalid input: expected object, rece",
      ],
    ]
  `)
})

test('claims that no check judged are added with their reason, so that every sentence is there', async () => {
  const resultsDir = await newFolder()
  await runFixture({ 'judging.test.js': judgingFile(sampleJudged()) }, [new ConformanceAllureReporter({ resultsDir })])
  const report = buildReport(sampleRun())
  await writeUnjudged(report, resultsDir)
  const results = await resultsIn(resultsDir)
  const stories = results.flatMap(({ labels }) => labels.filter(({ name }) => name === 'story'))
  expect(new Set(stories.map(({ value }) => value))).toEqual(new Set(report.claims.map(({ id }) => id)))
  const added = results.find(({ fullName }) => fullName === 'DR-04/unjudged')
  expect(added?.status).toBe('skipped')
  expect(added?.statusDetails.message).toBe('unsupported: not judged: needs a drill')
})

test('a run that failed in set-up is one broken result, and nothing of an earlier run stays', async () => {
  const resultsDir = await newFolder()
  await writeUnjudged(buildReport(sampleRun()), resultsDir)
  await clearResults(resultsDir)
  const setupFailure = {
    what: 'connecting to apps',
    where: 'context apps',
    expected: 'an API server',
    found: 'connection refused',
    try: 'start it',
  }
  await writeUnjudged(buildReport({ ...sampleRun(), results: [], setupFailure }), resultsDir)
  const results = await resultsIn(resultsDir)
  expect(results.length).toBe(10)
  const broken = results.filter(({ status }) => status !== Status.SKIPPED)
  expect(broken.map(({ status, name, statusDetails }) => [status, name, statusDetails.message])).toMatchInlineSnapshot(`
    [
      [
        "broken",
        "set-up failed: connecting to apps",
        "SET-UP FAILED  connecting to apps
      where      context apps
      expected   an API server
      found      connection refused
      try        start it",
      ],
    ]
  `)
})
