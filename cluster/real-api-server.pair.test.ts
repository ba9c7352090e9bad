import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { deadlineIn } from '../check/deadline.ts'
import { parseListing } from '../check/parse-listing.ts'
import { allChecks } from '../suites/chapters.ts'
import { planOf, sourcesOf } from '../suites/plan.ts'
import { loadPlatform } from '../platform/platform.ts'
import { issue } from '../fixtures/pair/certificates.ts'
import { kubeconfig } from '../fixtures/pair/control-plane/kubeconfig.ts'
import { layoutIn } from '../fixtures/pair/layout.ts'
import type { Connection } from './connection.ts'
import { connect } from './connection.ts'
import { discover } from './discovery.ts'
import { identify } from './identity.ts'
import { kind } from './kinds/object.ts'
import { readSource } from './read.ts'
import { takeSnapshot } from './snapshot.ts'
import type { Target } from './target.ts'

const file = inject('pairKubeconfig')
const platform = loadPlatform()
const { names } = platform
const layout = layoutIn()
/** A kind that no check reads, of which a test may make as many as it likes. */
const configMaps = kind({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' }, {})
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'api-server-'))
})
afterAll(() => rm(folder, { recursive: true }))

const authority = async (cluster: 'infra' | 'apps') => {
  const [node = ''] = platform.figures.clusters[cluster].nodes.map(({ name }) => name)
  const pki = (name: string) => readFile(join(layout.state, node, 'pki', name), 'utf8')
  return { certificate: await pki('ca.crt'), key: await pki('ca.key') }
}

const serverOf = async (context: string) => {
  const connection = await connect(file, context)
  await connection.close()
  return connection.server
}

/** A kubeconfig for a user of this name on infra, at another address when one is given. */
async function accessAs(user: string, options: { server?: string; days?: number } = {}): Promise<string> {
  const ca = await authority('infra')
  const client = await issue(ca, { commonName: user, usages: ['client'], days: options.days ?? 1 })
  const path = join(folder, `${user}-${crypto.randomUUID()}`)
  const server = options.server ?? (await serverOf('infra'))
  await writeFile(path, kubeconfig({ infra: { server, authority: ca.certificate, user, client } }))
  return path
}

async function open(path: string, context = 'infra'): Promise<Connection> {
  const connection = await connect(path, context)
  onTestFinished(() => connection.close())
  return connection
}

const reading = (connection: Connection, budgetMs = 20_000) => ({
  cluster: 'infra' as const,
  connection,
  names,
  deadline: deadlineIn(budgetMs),
})
const servedBy = (connection: Connection) => discover(connection, deadlineIn(20_000))

/** A TCP proxy before the API server of infra that counts connections and may spoil the first ones. */
async function proxyBefore(context: string, spoil: (nth: number, client: Socket) => boolean = () => false) {
  const { hostname, port } = new URL(await serverOf(context))
  let connections = 0
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    connections += 1
    sockets.add(client)
    client.on('error', () => {})
    if (spoil(connections, client)) return
    const upstream = createConnection({ host: hostname, port: Number(port) })
    sockets.add(upstream)
    upstream.on('error', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return { server: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`, connections: () => connections }
}

const target = (uids: Partial<Record<'infra' | 'apps', string>> = {}): Target => ({
  kind: 'live',
  because: 'test',
  kubeconfig: file,
  clusters: {
    infra: { context: 'infra', ...(uids.infra === undefined ? {} : { uid: uids.infra }) },
    apps: { context: 'apps', ...(uids.apps === undefined ? {} : { uid: uids.apps }) },
  },
})

describe('who answers', () => {
  test('two clusters are recognised by their UIDs', async () => {
    const connections = { infra: await open(file), apps: await open(file, 'apps') }
    const { infra, apps } = await identify(target(), connections, deadlineIn(20_000))
    expect(infra.version).toBe(`v${platform.figures.versions.kubernetes.equals}`)
    expect(infra.uid).not.toBe(apps.uid)
  })

  test('two contexts of one cluster are refused', async () => {
    const connections = { infra: await open(file), apps: await open(file) }
    await expect(identify(target(), connections, deadlineIn(20_000))).rejects.toThrow(
      'found      one: both have the kube-system UID',
    )
  })

  test('a UID other than the pinned one stops the run before anything is read', async () => {
    const connections = { infra: await open(file), apps: await open(file, 'apps') }
    const pinned = target({ apps: '00000000-0000-4000-8000-000000000000' })
    await expect(identify(pinned, connections, deadlineIn(20_000))).rejects.toThrow(
      'it is another cluster; nothing was read from it',
    )
  })

  test('an expired client certificate is told apart from missing rights', async () => {
    const expired = await open(await accessAs('late', { days: -1 }))
    const connections = { infra: expired, apps: await open(file, 'apps') }
    await expect(identify(target(), connections, deadlineIn(20_000))).rejects.toThrow(
      '401 Unauthorized: they are wrong or have expired',
    )
  })

  test('nobody listening is said as such', async () => {
    const dead = await open(await accessAs('nobody-there', { server: 'https://127.0.0.1:9' }))
    const connections = { infra: dead, apps: await open(file, 'apps') }
    await expect(identify(target(), connections, deadlineIn(20_000))).rejects.toThrow(
      'nothing listens on 127.0.0.1:9 (connection refused)',
    )
  })
})

describe('what becomes of a list', () => {
  test("a user without rights gets the API server's own words", async () => {
    const admin = await open(file)
    const stranger = await open(await accessAs('stranger'))
    const listing = await readSource(configMaps, await servedBy(admin), reading(stranger))
    expect(listing).toEqual({
      state: 'forbidden',
      reason: expect.stringContaining('User "stranger" cannot list resource "configmaps"'),
    })
  })

  test('a kind that is not served is absent, with its name', async () => {
    const connection = await open(file)
    const gone = kind({ group: 'gone.example.com', version: 'v1', plural: 'things', kind: 'Thing' }, {})
    expect(await readSource(gone, await servedBy(connection), reading(connection))).toEqual({
      state: 'absent',
      reason: 'the API server does not serve things.gone.example.com (v1)',
    })
  })

  test('an unexpected shape names the object and the path', async () => {
    const connection = await open(file)
    const odd = kind(
      { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' },
      { spec: z.object({ colour: z.string() }) },
    )
    const listing = await readSource(odd, await servedBy(connection), reading(connection))
    if (listing.state !== 'listed') throw new Error(`not listed: ${listing.reason}`)
    expect(parseListing(listing, odd).malformed).toMatch(/^[a-z-]+, spec\.colour: /)
  })

  test('a connection that is reset is tried again, within the same deadline', async () => {
    const { server, connections } = await proxyBefore('infra', (nth, client) => {
      if (nth === 1) client.resetAndDestroy()
      return nth === 1
    })
    const connection = await open(await accessAs('kubernetes-reader', { server }))
    const listing = await readSource(configMaps, await servedBy(await open(file)), reading(connection))
    expect(listing.state).toBe('forbidden')
    expect(connections()).toBeGreaterThan(1)
  })

  test('an API server that says nothing is unreachable at the deadline', async () => {
    const { server } = await proxyBefore('infra', () => true)
    const connection = await open(await accessAs('patient', { server }))
    const listing = await readSource(configMaps, await servedBy(await open(file)), reading(connection, 500))
    expect(listing).toEqual({ state: 'unreachable', reason: expect.stringContaining('no answer in time') })
  })
})

describe('the load of a run', () => {
  const kubectl = (args: readonly string[], input?: string) =>
    execa(
      join(layout.state, 'programs', 'kubectl'),
      ['--kubeconfig', file, '--context', 'infra', ...args],
      input === undefined ? {} : { input },
    )

  test('a long list is read in pages, whole', { timeout: 300_000 }, async () => {
    const namespace = 'pages'
    await kubectl(['create', 'namespace', namespace])
    onTestFinished(async () => void (await kubectl(['delete', 'namespace', namespace, '--wait=false'])))
    const items = Array.from({ length: 110 }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `page-${index}`, namespace },
    }))
    await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    const connection = await open(file)
    const asked: string[] = []
    const watched: Connection = {
      ...connection,
      get: (path, ...rest) => (asked.push(path), connection.get(path, ...rest)),
    }
    const listing = await readSource(configMaps, await servedBy(connection), { ...reading(watched), pageSize: 50 })
    if (listing.state !== 'listed') throw new Error(`not listed: ${listing.reason}`)
    const found = listing.items.map((item) => configMaps.schema.parse(item).metadata)
    const own = found.filter((metadata) => metadata.namespace === namespace && metadata.name.startsWith('page-'))
    expect(new Set(own.map(({ name }) => name)).size).toBe(110)
    expect(asked.length).toBeGreaterThanOrEqual(3)
  })

  test('all checks together make one list per kind, over a few connections', async () => {
    const plan = planOf(allChecks, platform.claims, { claims: [], chapters: [] })
    const sources = sourcesOf(plan).filter(({ from }) => from.type !== 'observation')
    const proxied = await proxyBefore('infra')
    const admin = JSON.parse(await readFile(file, 'utf8')) as {
      clusters: { name: string; cluster: { server: string } }[]
    }
    for (const { name, cluster } of admin.clusters) if (name === 'infra') cluster.server = proxied.server
    const path = join(folder, 'proxied')
    await writeFile(path, JSON.stringify(admin))
    const since = new Date().toISOString()
    const snapshot = await takeSnapshot(
      { infra: await open(path), apps: await open(file, 'apps') },
      sources,
      names,
      deadlineIn(60_000),
    )
    const unread = Object.entries(snapshot.infra).filter(
      ([, { state }]) => state === 'unreachable' || state === 'forbidden',
    )
    expect(unread).toEqual([])
    // One of them looks at the certificate that the API server presents.
    expect(proxied.connections()).toBeLessThanOrEqual(4)
    const lists = await listsSince(since, snapshotLists(sources))
    expect(Object.keys(lists).length).toBeGreaterThan(20)
    expect(Object.entries(lists).filter(([, count]) => count > 1)).toEqual([])
  })

  const snapshotLists = (sources: ReturnType<typeof sourcesOf>) =>
    sources.flatMap(({ from }) => (from.type === 'list' ? [from.plural] : []))

  const auditEvent = z.object({
    verb: z.string(),
    userAgent: z.string().default(''),
    requestURI: z.string(),
    requestReceivedTimestamp: z.string(),
    objectRef: z.object({ resource: z.string(), apiGroup: z.string().optional() }).optional(),
  })

  /** First pages of lists by kind, as the API servers of infra wrote them into their audit logs. */
  async function listsSince(since: string, plurals: readonly string[]): Promise<Record<string, number>> {
    const logs = await Promise.all(
      platform.figures.clusters.infra.nodes.map(({ name }) =>
        readFile(join(layout.state, name, 'kube-apiserver', 'audit.log'), 'utf8'),
      ),
    )
    const counts: Record<string, number> = {}
    for (const line of logs.flatMap((log) => log.split('\n')).filter((text) => text !== '')) {
      const event = auditEvent.parse(JSON.parse(line))
      const resource = event.objectRef?.resource
      if (event.verb !== 'list' || event.userAgent !== 'conformance' || event.requestReceivedTimestamp < since) continue
      if (resource === undefined || !plurals.includes(resource) || event.requestURI.includes('continue=')) continue
      const key = `${resource}.${event.objectRef?.apiGroup ?? ''}`
      counts[key] = (counts[key] ?? 0) + 1
    }
    return counts
  }
})
