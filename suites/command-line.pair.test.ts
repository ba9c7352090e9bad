import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { issue } from '../fixtures/pair/certificates.ts'
import { kubeconfig } from '../fixtures/pair/control-plane/kubeconfig.ts'
import { layoutIn } from '../fixtures/pair/layout.ts'
import { loadPlatform } from '../platform/platform.ts'
import { readReport } from '../reporters/report-file.ts'
import type { Report } from '../reporters/report.ts'

const file = inject('pairKubeconfig')
const root = resolve(import.meta.dirname, '..')
const { figures } = loadPlatform()

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
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'run-'))
    const { exitCode, all } = await execa('node', [join(root, 'suites/main.ts'), '--target', 'pair'], {
      cwd: folder,
      reject: false,
      all: true,
    })
    embedded = { exitCode, said: all, folder, report: await readReport(join(folder, 'reports', 'conformance.json')) }
    await rm(folder, { recursive: true })
  })

  test('conforms for at least 45 claims, deviates for none, and says that it is simulated', () => {
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
    expect(exitCode).toBe(0)
    expect(report).toMatchObject({ target: 'live', simulated: false })
    expect(verdicts(report)).toEqual(verdicts(embedded.report))
  })

  test('is chosen by contexts in the kubeconfig, without any flag', async () => {
    const { said, report } = await judge([], { env: { KUBECONFIG: file } })
    expect(said).toContain('target: live (contexts infra and apps are in your kubeconfig)')
    expect(report?.target).toBe('live')
  })

  test('judges no more than what the filter leaves, and reports all the same', async () => {
    const { exitCode, report } = await judge([...live, '--chapter', 'topology', '--claim', 'NET-07'])
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
    await execa('node', [join(root, 'suites/main.ts'), ...live, '--reports', folder])
    const junit = await readFile(join(folder, 'junit.xml'), 'utf8')
    expect(junit).toContain('NET-07')
    expect(await readFile(join(folder, 'conformance.txt'), 'utf8')).toContain('157 claims: ')
  })
})

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
