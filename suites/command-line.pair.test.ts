import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { issue } from '../fixtures/pair/certificates.ts'
import { kubeconfig } from '../fixtures/pair/control-plane/kubeconfig.ts'
import { layoutIn } from '../fixtures/pair/layout.ts'
import { troubled } from '../fixtures/troubled.ts'
import { loadPlatform } from '../platform/platform.ts'
import { readReport } from '../reporters/report-file.ts'
import type { Report } from '../reporters/report.ts'

const file = inject('pairKubeconfig')
const root = resolve(import.meta.dirname, '..')
const { figures } = loadPlatform()
/** Lists, probes and observations have 240 s between them, and removing probes some more. */
const runMs = 290_000

/** One run of the command in an empty folder of its own, with what it printed and the report that it left. */
async function judge(args: readonly string[], setting: { env?: Record<string, string>; configuration?: object } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'run-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  if (setting.configuration) await writeFile(join(folder, 'conformance.yaml'), JSON.stringify(setting.configuration))
  const env = { KUBECONFIG: join(folder, 'none'), NO_COLOR: '1', ...setting.env }
  const { exitCode, all } = await execa('node', [join(root, 'suites/main.ts'), ...args], {
    cwd: folder,
    env,
    reject: false,
    all: true,
    // Ends it where the test would only forget it.
    timeout: runMs,
  })
  const report = await readReport(join(folder, 'reports', 'conformance.json')).catch(() => undefined)
  return { exitCode, said: all, report, folder }
}

const verdicts = (report: Report | undefined) =>
  report?.claims.map(({ id, outcome, results }) => [
    id,
    outcome,
    results.map(({ check, cluster, outcome: of }) => `${check} ${cluster} ${of}`).toSorted(),
  ])

const live = ['--target', 'live', '--kubeconfig', file]

describe('a run on the pair', () => {
  let embedded: Awaited<ReturnType<typeof judge>>
  let planted: Secret[]
  beforeAll(async () => {
    planted = await plantSecrets()
    const folder = await mkdtemp(join(tmpdir(), 'run-'))
    const { exitCode, all } = await execa('node', [join(root, 'suites/main.ts'), '--target', 'pair'], {
      cwd: folder,
      reject: false,
      all: true,
      timeout: runMs,
    })
    embedded = { exitCode, said: all, folder, report: await readReport(join(folder, 'reports', 'conformance.json')) }
  })
  afterAll(async () => {
    await Promise.all([rm(embedded.folder, { recursive: true }), takeSecretsAway()])
  })

  test('conforms for at least 45 claims, deviates for none, and says that it is simulated', () => {
    expect(troubled(embedded.report)).toEqual([])
    expect(embedded).toMatchObject({ exitCode: 0, report: { target: 'pair', simulated: true } })
    expect(embedded.report?.counts).toMatchObject({ deviates: 0, inconclusive: 0 })
    expect(embedded.report?.counts.conforms).toBeGreaterThanOrEqual(45)
    expect(embedded.said).toContain("a verdict on the pair is a proof of the suite, never of anybody's platform")
  })

  test('gives every sentence of the document exactly one outcome and a reason', () => {
    expect(embedded.report?.claims).toHaveLength(157)
    expect(embedded.report?.claims.filter(({ reason }) => reason === '')).toEqual([])
  })

  test('gives the same verdicts when its kubeconfig is given as a live target', async () => {
    const { exitCode, report } = await judge(live)
    expect(troubled(report)).toEqual([])
    expect(exitCode).toBe(0)
    expect(report).toMatchObject({ target: 'live', simulated: false })
    expect(verdicts(report)).toEqual(verdicts(embedded.report))
  })

  test('is chosen by contexts in the kubeconfig, without any flag', async () => {
    const { said, report } = await judge(['--claim', 'TOPO-01'], { env: { KUBECONFIG: file } })
    expect(said).toContain('target: live (contexts infra and apps are in your kubeconfig)')
    expect(report?.target).toBe('live')
  })

  test('judges no more than what the filter leaves, and reports all the same', async () => {
    const { exitCode, report } = await judge([...live, '--read-only', '--chapter', 'topology', '--claim', 'NET-07'])
    expect(exitCode).toBe(0)
    const judged = report?.claims.filter(({ results }) => results.length > 0).map(({ id }) => id)
    expect(judged).toEqual([
      ...Array.from({ length: 12 }, (_, index) => `TOPO-${String(index + 1).padStart(2, '0')}`),
      'NET-07',
    ])
    expect(report?.claims).toHaveLength(157)
  })

  test('writes every view: report, text, JUnit, Allure results of all claims', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'run-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await execa('node', [join(root, 'suites/main.ts'), ...live, '--claim', 'NET-07', '--reports', folder])
    const junit = await readFile(join(folder, 'junit.xml'), 'utf8')
    expect(junit).toContain('NET-07')
    expect(await readFile(join(folder, 'conformance.txt'), 'utf8')).toContain('157 claims: ')
  })

  test('holds no secret of the clusters in any view, nor in what it prints', async () => {
    const secrets = [...planted, ...(await secretsOf('infra')), ...(await secretsOf('apps'))]
    expect(secrets.length).toBeGreaterThan(10)
    const texts = [embedded.said, ...(await filesBelow(embedded.folder))]
    expect(texts.length).toBeGreaterThan(100)
    const leaked = secrets.filter(({ value }) => texts.some((text) => text.includes(value)))
    expect(leaked.map(({ name }) => name)).toEqual([])
  })

  test('creates nothing with --read-only, as the audit logs of all API servers say', async () => {
    const since = new Date().toISOString()
    const { exitCode, report } = await judge([...live, '--read-only'])
    expect(troubled(report)).toEqual([])
    expect(exitCode).toBe(0)
    expect(report?.readOnly).toBe(true)
    const probed = report?.claims
      .flatMap(({ results }) => results)
      .filter(({ reason }) => reason.includes('probes are off'))
    expect(probed?.length).toBeGreaterThan(0)
    expect(probed?.every(({ judgedAs }) => judgedAs === 'unsupported')).toBe(true)
    const events = await auditedSince(since)
    expect(events.length).toBeGreaterThan(100)
    // A port-forward is a stream, and makes no object; Kubernetes calls it a creation all the same.
    const changes = events.filter(({ verb, resource }) => !readingVerbs.has(verb) && resource !== 'pods/portforward')
    expect(changes).toEqual([])
  })
})

const readingVerbs = new Set(['get', 'list', 'watch'])
const clusters = ['infra', 'apps'] as const
type Secret = { name: string; value: string }

const kubectl = async (context: string, ...args: string[]) => {
  const { stdout } = await execa(join(layoutIn().state, 'programs', 'kubectl'), [
    '--kubeconfig',
    file,
    '--context',
    context,
    ...args,
  ])
  return stdout
}

/** A token and a password where workloads have theirs: in a Secret, and in the environment of a pod. */
async function plantSecrets(): Promise<Secret[]> {
  const [token, password] = [crypto.randomUUID(), crypto.randomUUID()]
  await kubectl('infra', '-n', 'demo', 'create', 'secret', 'generic', 'planted', `--from-literal=token=${token}`)
  await setPassword(`PASSWORD=${password}`)
  return [
    { name: 'planted token', value: token },
    { name: 'planted password', value: password },
  ]
}

async function takeSecretsAway(): Promise<void> {
  await Promise.all([kubectl('infra', '-n', 'demo', 'delete', 'secret', 'planted'), setPassword('PASSWORD-')])
}

async function setPassword(change: string): Promise<void> {
  await kubectl('infra', '-n', 'demo', 'set', 'env', 'deployment/echo', change)
  await kubectl('infra', '-n', 'demo', 'rollout', 'status', 'deployment/echo', '--timeout=90s')
}

const secretList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      data: z.record(z.string(), z.string()).default({}),
    }),
  ),
})
/** Public by nature: certificates and names that reports may well hold. */
const isPublic = (key: string) => /crt|^ca|cert|host|port|dbname|user|namespace/i.test(key)

/** Every value of every Secret of a cluster, in the clear and as Kubernetes encodes it. */
async function secretsOf(cluster: string): Promise<Secret[]> {
  const { items } = secretList.parse(JSON.parse(await kubectl(cluster, 'get', 'secrets', '-A', '-o', 'json')))
  return items.flatMap(({ metadata, data }) =>
    Object.entries(data).flatMap(([key, encoded]) => {
      const value = Buffer.from(encoded, 'base64').toString()
      const name = `${cluster} ${metadata.namespace}/${metadata.name} ${key}`
      return isPublic(key) || value.length < 12
        ? []
        : [
            { name, value: value.trim() },
            { name, value: encoded },
          ]
    }),
  )
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')),
  )
}

const auditEvent = z.object({
  verb: z.string(),
  userAgent: z.string().default(''),
  requestReceivedTimestamp: z.string(),
  objectRef: z.object({ resource: z.string(), subresource: z.string().optional() }).optional(),
})

/** What the suite asked of all API servers since a time. */
async function auditedSince(since: string): Promise<{ verb: string; resource: string }[]> {
  const logs = await Promise.all(
    clusters
      .flatMap((cluster) => figures.clusters[cluster].nodes)
      .map(({ name }) => readFile(join(layoutIn().state, name, 'kube-apiserver', 'audit.log'), 'utf8')),
  )
  return logs
    .flatMap((log) => log.split('\n'))
    .filter((line) => line !== '')
    .map((line) => auditEvent.parse(JSON.parse(line)))
    .filter(({ requestReceivedTimestamp }) => requestReceivedTimestamp >= since)
    .filter(({ userAgent, objectRef }) => userAgent === 'conformance' || objectRef?.subresource === 'portforward')
    .map(({ verb, objectRef }) => ({
      verb,
      resource: [objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join('/'),
    }))
}

describe('what keeps a run from judging', () => {
  const uids = { infra: '00000000-0000-4000-8000-000000000000' }
  const contexts = (uid?: string) => ({
    infra: { context: 'infra', ...(uid === undefined ? {} : { uid }) },
    apps: { context: 'apps' },
  })

  test('a wrong UID', async () => {
    const { exitCode, said, report } = await judge(live, { configuration: { clusters: contexts(uids.infra) } })
    expect(exitCode).toBe(3)
    expect(said).toContain('expected   kube-system with the pinned UID 00000000-0000-4000-8000-000000000000')
    expect(said).toContain('it is another cluster; nothing was read')
    expect(report?.setupFailure?.what).toBe('recognising the cluster')
  })

  test('a context that is not there', async () => {
    const configuration = { clusters: { infra: { context: 'infra' }, apps: { context: 'production' } } }
    const { exitCode, said } = await judge(live, { configuration })
    expect(exitCode).toBe(3)
    expect(said).toContain('no context production; the file has infra, apps')
  })

  test('a live target without any kubeconfig', async () => {
    const { exitCode, said, report } = await judge([], { env: { CONFORMANCE_TARGET: 'live' } })
    expect(exitCode).toBe(3)
    expect(said).toContain('the file does not exist')
    expect(report).toMatchObject({ target: 'live', exitCode: 3 })
  })

  test('one cluster under two names', async () => {
    const copy = JSON.parse(await readFile(file, 'utf8')) as {
      contexts: { name: string; context: { cluster: string; user: string } }[]
    }
    for (const { context } of copy.contexts) Object.assign(context, { cluster: 'infra', user: 'infra-user' })
    const folder = await mkdtemp(join(tmpdir(), 'twice-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'config'), JSON.stringify(copy))
    const { exitCode, said } = await judge(['--target', 'live', '--kubeconfig', join(folder, 'config')])
    expect(exitCode).toBe(3)
    expect(said).toContain('one: both have the kube-system UID')
  })

  /** The pair's kubeconfig with another user or server for infra. */
  async function otherInfra(user: string, change: { days?: number; server?: string }): Promise<string> {
    const state = layoutIn().state
    const pki = (name: string) =>
      readFile(join(state, figures.clusters.infra.nodes[0]?.name ?? '', 'pki', name), 'utf8')
    const ca = { certificate: await pki('ca.crt'), key: await pki('ca.key') }
    const own = JSON.parse(await readFile(file, 'utf8')) as Record<
      'clusters' | 'users' | 'contexts',
      { name: string; cluster: { server: string } }[]
    >
    const server = change.server ?? own.clusters.find(({ name }) => name === 'infra')?.cluster.server ?? ''
    const client = await issue(ca, { commonName: user, usages: ['client'], days: change.days ?? 1 })
    const infra = JSON.parse(kubeconfig({ infra: { server, authority: ca.certificate, user, client } })) as typeof own
    const merged = Object.fromEntries(
      (['clusters', 'users', 'contexts'] as const).map((key) => [
        key,
        [...infra[key], ...own[key].filter(({ name }) => name.startsWith('apps'))],
      ]),
    )
    const folder = await mkdtemp(join(tmpdir(), 'other-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'config')
    await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...merged }))
    return path
  }

  test('an API server that is not there', async () => {
    const { exitCode, said } = await judge([
      '--target',
      'live',
      '--kubeconfig',
      await otherInfra('kubernetes-admin', { server: 'https://127.0.0.1:9' }),
    ])
    expect(exitCode).toBe(3)
    expect(said).toContain('nothing listens on 127.0.0.1:9')
  })

  test('an expired certificate', async () => {
    const { exitCode, said } = await judge([
      '--target',
      'live',
      '--kubeconfig',
      await otherInfra('kubernetes-admin', { days: -1 }),
    ])
    expect(exitCode).toBe(3)
    expect(said).toContain('renew the credentials of context infra')
  })

  test('a user without rights: nothing of infra can be judged, which is never green', async () => {
    const { exitCode, report } = await judge(['--target', 'live', '--kubeconfig', await otherInfra('stranger', {})])
    expect(exitCode).toBe(2)
    const seen = report?.claims.flatMap(({ results }) =>
      results.filter(({ cluster, outcome }) => cluster !== 'apps' && outcome === 'conforms'),
    )
    // Everybody may see the certificate, and every user the version.
    expect(seen?.map(({ check, cluster }) => `${check} ${cluster}`)).toEqual([
      'TOPO-10/endpointNames infra',
      'VER-02/apiServerVersion infra',
    ])
    const nodes = report?.claims.find(({ id }) => id === 'TOPO-02')
    expect(nodes?.reason).toContain(
      'Nodes on infra may not be read: nodes is forbidden: User "stranger" cannot list resource "nodes"',
    )
  })

  test('an unknown claim, with the nearest ones', async () => {
    const { exitCode, said } = await judge([...live, '--claim', 'NET-77'])
    expect(exitCode).toBe(3)
    expect(said).toMatch(/near NET-77: NET-07, .*\n/)
  })

  test('an unknown chapter', async () => {
    const { exitCode, said } = await judge([...live, '--chapter', 'topologie'])
    expect(exitCode).toBe(3)
    expect(said).toContain('try        --chapter topology')
  })

  test('a broken platform.yaml, with file, line and path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'platform-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const text = await readFile(join(root, 'platform', 'platform.yaml'), 'utf8')
    await writeFile(join(folder, 'platform.yaml'), text.replace('10.244.0.0/16', '10.244.0.0/33'))
    const { exitCode, said } = await judge(live, { env: { CONFORMANCE_PLATFORM: folder } })
    expect(exitCode).toBe(3)
    expect(said).toMatch(/platform\.yaml:\d+ clusters\.infra\.podCIDR/)
  })
})
