import { readFile } from 'node:fs/promises'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { failureBlock } from '../check/failure-block.ts'
import { buildReport } from './build-report.ts'
import { junitText, writeJUnit } from './junit.ts'
import { runOf, sampleResult, sampleRun } from './sample.ts'
import { temporaryFolders } from '../fixtures/temporary-folders.ts'

const newFolder = temporaryFolders('junit-')

const explained = z.object({ message: z.string(), '#text': z.string().optional() }).optional()
const testcase = z.object({
  classname: z.string(),
  name: z.string(),
  time: z.string(),
  failure: explained,
  error: explained,
  skipped: explained,
})
const suite = z.object({ name: z.string(), tests: z.string(), failures: z.string(), testcase: z.array(testcase) })
const document = z.object({
  testsuites: z.object({
    name: z.string(),
    tests: z.string(),
    failures: z.string(),
    errors: z.string(),
    skipped: z.string(),
    testsuite: z.array(suite),
  }),
})

/** Reads the text as any JUnit reader would. */
function parsed(text: string) {
  expect(XMLValidator.validate(text)).toBe(true)
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    isArray: (name) => name === 'testsuite' || name === 'testcase',
  })
  return document.parse(parser.parse(text)).testsuites
}

test('every result is a test-case, with its reason', () => {
  const { testsuite, ...counts } = parsed(junitText(buildReport(sampleRun())))
  expect(counts).toMatchInlineSnapshot(`
    {
      "errors": "1",
      "failures": "2",
      "name": "1 of 9 sentences holds. 2 do not. 1 could not be judged.",
      "skipped": "6",
      "tests": "12",
    }
  `)
  const lines = testsuite.flatMap((each) =>
    each.testcase.map((one) => {
      const [kind = 'passed', ending] =
        Object.entries({ failure: one.failure, error: one.error, skipped: one.skipped }).find(([, value]) => value) ??
        []
      return [one.classname, one.name, one.time, kind, ending?.message ?? ''].join(' | ')
    }),
  )
  expect(lines).toMatchInlineSnapshot(`
    [
      "topology.infra | TOPO-02 every node carries the documented name | 0.004 | passed | ",
      "network.apps | NET-08 every LoadBalancer address comes from the pool of its cluster | 0.912 | failure | deviates: 1 of 4 LoadBalancer Services deviate",
      "network.infra | NET-09 every LoadBalancer address is announced | 0.004 | error | inconclusive: looked at 0 CiliumBGPPeeringPolicies, needed 1: too few to judge",
      "network.apps | NET-09 every LoadBalancer address is announced | 0.004 | passed | ",
      "mesh.infra | MESH-05 every meshed pod carries a proxy of 2.18 | 3.100 | passed | ",
      "mesh.apps | MESH-05 every meshed pod carries a proxy of 2.18 | 0.004 | failure | deviates: 17 of 41 meshed pods deviate",
      "mesh.across | MESH-12 every exported service of infra is mirrored on apps | 0.004 | skipped | waived: mirror of MinIO is moved in December (storage team, until 2026-12-24; 1 of 3 exported Services deviate)",
      "storage.infra | STO-05 Ceph offers 3 TB of usable space | 0.004 | skipped | disputed: Three copies on 3 TB raw leave about 1 TB usable (1 of 1 CephClusters deviate)",
      "storage.apps | STO-05 Ceph offers 3 TB of usable space | 0.004 | skipped | disputed: Three copies on 3 TB raw leave about 1 TB usable (1 of 1 CephClusters deviate)",
      "observability.infra | OBS-07 Jaeger keeps traces for seven days | 0.004 | skipped | planned: belongs to phase 3, the platform is in phase 2; today it conforms already (looked at 1 Jaegers, needed 1)",
      "resources.infra | RES-04 the platform of infra stays in its budget | 0.004 | skipped | unsupported: needs NodeMetrics on infra: the API metrics.k8s.io is not served",
      "recovery | DR-04 A lost node is replaced within 15 minutes. | 0.000 | skipped | unsupported: not judged: needs a drill",
    ]
  `)
})

test('a failure carries its whole block', () => {
  const report = buildReport(sampleRun())
  const claim = report.claims.find(({ id }) => id === 'NET-08')
  const [result] = claim?.results ?? []
  const shown = parsed(junitText(report))
    .testsuite.flatMap((each) => each.testcase)
    .find(({ failure }) => failure)
  expect(claim && result && failureBlock(result, claim)).toBe(shown?.failure?.['#text'])
})

test('whatever a cluster says stays text', () => {
  const reason = 'tag "<script>&amp;</script>" ]]> \u0000\u001B[31mred \uD800 Grüße 漢字\nsecond line'
  const result = sampleResult({ claim: 'TOPO-02', check: 'TOPO-02/nodeNames', outcome: 'inconclusive', reason })
  const [one] = parsed(junitText(buildReport({ ...runOf('inconclusive'), results: [result] }))).testsuite
  expect(one?.testcase[0]?.error?.message).toBe(
    'inconclusive: tag "<script>&amp;</script>" ]]> \uFFFD\uFFFD[31mred \uFFFD Grüße 漢字 second line',
  )
  expect(one?.testcase[0]?.error?.['#text']).toContain('tag "<script>&amp;</script>" ]]>')
})

test('a run that failed in set-up is an error before everything else', () => {
  const setupFailure = {
    what: 'connecting to apps',
    where: 'context apps',
    expected: 'an API server',
    found: 'connection refused',
    try: 'start it',
  }
  const { testsuite } = parsed(junitText(buildReport({ ...sampleRun(), results: [], setupFailure })))
  expect(testsuite[0]?.name).toBe('set-up')
  expect(testsuite[0]?.testcase[0]?.error?.['#text']).toMatchInlineSnapshot(`
    "SET-UP FAILED  connecting to apps
      where      context apps
      expected   an API server
      found      connection refused
      try        start it"
  `)
})

test('the file is written whole', async () => {
  const folder = await newFolder()
  const report = buildReport(sampleRun())
  expect(await readFile(await writeJUnit(report, folder), 'utf8')).toBe(junitText(report))
})
