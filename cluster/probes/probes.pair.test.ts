import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { deadlineIn } from '../../check/deadline.ts'
import { exitCodes } from '../../check/outcome.ts'
import { runIn, startIn } from '../channels.ts'
import { connect } from '../connection.ts'
import { loadPlatform } from '../../platform/platform.ts'
import { defaultProbeImage } from '../look.ts'
import { probeNamespace } from './objects.ts'
import { newRun } from '../own-namespace.ts'
import { exportingLabels, raiseProbes } from './probes.ts'

const kubeconfig = inject('pairKubeconfig')
const root = resolve(import.meta.dirname, '../..')
/** How often the holder is killed; 20 and more for `PROBE_KILLS=20 vitest run --project pair cluster/probes`. */
const kills = Number(process.env['PROBE_KILLS'] ?? '3')
const longestMs = 5_000
/** The kubelets' and controllers' own objects come with a namespace; what is left of it is told by the namespace alone. */
const namespacePath = `/api/v1/namespaces/${probeNamespace}`

async function open(context: 'infra' | 'apps') {
  const connection = await connect(kubeconfig, context)
  onTestFinished(() => connection.close())
  return connection
}

async function sites(nodes: Record<'infra' | 'apps', string[]>) {
  const site = async (context: 'infra' | 'apps') => ({
    connection: await open(context),
    image: defaultProbeImage,
    nodes: nodes[context],
    exporting: exportingLabels(loadPlatform().names),
  })
  return { infra: await site('infra'), apps: await site('apps') }
}

const oneNode = { infra: ['infra-02'], apps: ['apps-02'] }
const sweep = (...flags: string[]) =>
  execa('node', [join(root, 'cluster/probes/main.ts'), '--kubeconfig', kubeconfig, ...flags], {
    reject: false,
    all: true,
  })

describe('probes', () => {
  test('belong to one run at a time, run commands, and are gone when it removes them', async () => {
    const both = await sites(oneNode)
    const deadline = deadlineIn(90_000)
    const { probes, remove } = await raiseProbes(newRun(), both, deadline)
    onTestFinished(async () => void (await sweep('--force')))
    expect(probes.on.infra.notReady).toEqual([])
    expect(probes.on.infra.pods.map(({ role, node }) => `${role} ${node}`).toSorted()).toEqual([
      'guarded infra-02',
      'meshed infra-02',
      'plain infra-02',
      'restricted infra-02',
    ])
    const refused = await raiseProbes(newRun(), both, deadline).catch((error: unknown) => String(error))
    expect(refused).toMatch(
      /NoNamespace: another run \(.+\/\d+\) has conformance-probes on infra, until .+ at least; wait for it/,
    )
    expect((await sweep()).exitCode).toBe(1)

    const pod = probes.on.infra.pods.find(({ role }) => role === 'plain')?.name ?? ''
    const where = { namespace: probeNamespace, pod, container: 'probe' }
    const answered = await startIn(both.infra.connection, where, ['nc', '-N', '-w', '3', 'localhost', '8080'], deadline)
    answered.stream.end('GET /echo?msg=nonce HTTP/1.0\r\n\r\n')
    expect(Buffer.concat(await answered.stream.toArray()).toString()).toMatch(/^HTTP\/1\.0 200 OK[^]*nonce$/)
    expect(await answered.ended).toEqual({ state: 'exited', code: 0 })
    const refusedPort = await runIn(both.infra.connection, where, ['nc', '-w', '3', 'localhost', '1'], deadline)
    expect(refusedPort.ending).toEqual({ state: 'exited', code: 1 })
    expect(refusedPort.errors).toContain('Connection refused')

    await remove()
    expect((await both.infra.connection.get(namespacePath, deadline)).status).toBe(404)
    expect((await both.apps.connection.get(namespacePath, deadline)).status).toBe(404)
  })

  test('a namespace of somebody else is left alone, and said', async () => {
    const both = await sites(oneNode)
    const deadline = deadlineIn(60_000)
    const { connection } = both.infra
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: probeNamespace } }
    await connection.send({ method: 'POST', path: '/api/v1/namespaces', body: namespace }, deadline)
    onTestFinished(async () => {
      await connection.send({ method: 'DELETE', path: namespacePath }, deadline)
      // oxlint-disable-next-line no-await-in-loop -- until it is gone
      while ((await connection.get(namespacePath, deadline)).status !== 404) await sleep(200)
    })
    const refused = await raiseProbes(newRun(), both, deadline).catch((error: unknown) => String(error))
    expect(refused).toContain('was not made by this suite: rename it, or delete it yourself')
    const swept = await sweep('--force')
    expect([swept.exitCode, swept.all]).toEqual([1, expect.stringContaining('was not made by this suite')])
    expect((await connection.get(namespacePath, deadline)).status).toBe(200)
  })

  test('a run that is told to end takes its probes with it', async () => {
    const [infra, apps] = [await open('infra'), await open('apps')]
    const folder = await mkdtemp(join(tmpdir(), 'ended-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const run = execa(
      'node',
      [
        join(root, 'suites/main.ts'),
        '--target',
        'live',
        '--kubeconfig',
        kubeconfig,
        '--claim',
        'NET-02',
        '--reports',
        folder,
      ],
      // Left to itself, execa kills five seconds later, however far the removal has come.
      { reject: false, all: true, cwd: folder, forceKillAfterDelay: false },
    )
    // oxlint-disable-next-line no-await-in-loop -- until there is something to take away
    while ((await apps.get(namespacePath, deadlineIn(10_000))).status !== 200) await sleep(100)
    await sleep(2_000)
    run.kill('SIGTERM')
    const { exitCode, signal } = await run
    expect([exitCode, signal]).toEqual([exitCodes.setup, undefined])
    for (const connection of [infra, apps]) {
      // oxlint-disable-next-line no-await-in-loop -- two clusters
      expect((await connection.get(namespacePath, deadlineIn(10_000))).status).toBe(404)
    }
  })

  test('whatever the moment at which a run is killed, the sweep leaves nothing', { timeout: 600_000 }, async () => {
    const [infra, apps] = [await open('infra'), await open('apps')]
    for (let kill = 0; kill < kills; kill += 1) {
      const holder = execa('node', [join(root, 'cluster/probes/hold.ts'), kubeconfig, 'infra-02', 'apps-02'], {
        reject: false,
      })
      // oxlint-disable-next-line no-await-in-loop -- one run after another
      await sleep(Math.random() * longestMs)
      holder.kill('SIGKILL')
      // oxlint-disable-next-line no-await-in-loop
      await holder
      // oxlint-disable-next-line no-await-in-loop
      const swept = await sweep()
      expect([swept.exitCode, swept.all]).toEqual([0, expect.stringMatching(/removed|nothing left over/)])
      for (const connection of [infra, apps]) {
        // oxlint-disable-next-line no-await-in-loop
        const { status, text } = await connection.get(
          '/api/v1/namespaces?labelSelector=app.kubernetes.io/managed-by=conformance',
          deadlineIn(10_000),
        )
        expect(status).toBe(200)
        expect(z.object({ items: z.array(z.unknown()) }).parse(JSON.parse(text)).items).toEqual([])
      }
    }
  })
})
