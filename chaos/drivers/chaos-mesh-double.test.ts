import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { z } from 'zod'
import { afterEach, expect, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import { APIDouble } from '../double/api-double.ts'
import type { ChaosMeshTraps } from '../double/chaos-mesh-double.ts'
import { kubeconfigOf, openDouble } from '../double/field-double.ts'
import { judgeRun } from '../judge-run.ts'
import { runSchema } from '../run-record.ts'
import { takeBack } from '../take-back.ts'
import { chaosMeshGroup, chaosMeshVersion } from './chaos-mesh.ts'

// Against a double of Chaos Mesh's controller: it proves what is made of its answers, and nothing about Chaos Mesh.
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  // oxlint-disable-next-line no-await-in-loop -- in the order opposite to that in which they were made
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

async function opened(chaosMesh: ChaosMeshTraps) {
  const folder = await mkdtemp(join(tmpdir(), 'chaos-mesh-'))
  cleanups.push(() => rm(folder, { recursive: true, maxRetries: 5 }))
  const doubles = {
    infra: await APIDouble.start({ uid: 'infra-uid', replaceMs: 500 }),
    apps: await APIDouble.start({ uid: 'apps-uid', replaceMs: 500, chaosMesh }),
  }
  cleanups.push(() => Object.values(doubles).forEach((double) => double.stop()))
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf({ infra: doubles.infra.port, apps: doubles.apps.port }))
  return { folder, doubles, kubeconfig }
}

const chaosObjects = ({ objects }: APIDouble) => [...objects.keys()].filter((path) => path.includes(chaosMeshGroup))

/** Runs one fault of Chaos Mesh on doubles, in a process of its own, and judges it. */
async function experiment(action: 'pod-kill' | 'pod-failure', faultSeconds: number, traps: ChaosMeshTraps = {}) {
  const { folder, doubles, kubeconfig } = await opened(traps)
  const scenario = {
    id: 'by-chaos-mesh',
    what: 'something of a double',
    cluster: 'apps',
    tier: 1,
    fault: {
      driver: 'chaos-mesh',
      action,
      atMost: 1,
      pods: { namespace: 'demo', labels: { app: 'echo' }, take: 1 },
    },
    journeys: [
      {
        id: 'echo',
        by: 'service',
        from: 'apps',
        namespace: 'demo',
        service: 'echo',
        port: doubles.apps.servicePort,
        path: '/',
        periodMs: 50,
        timeoutMs: 500,
      },
    ],
    judge: [{ claim: 'DR-06', objective: 'podRecovery', by: 'outage', fact: 'it heals' }],
    steadySeconds: 1,
    stableSeconds: 2,
    faultSeconds,
    longestSeconds: 60,
  }
  const file = join(folder, 'scenario.json')
  await writeFile(file, JSON.stringify(scenario))
  const runner = join(import.meta.dirname, '..', 'double', 'runner.ts')
  const { stdout } = await execa(process.execPath, [runner, kubeconfig, folder, file], {
    env: { CHAOS_JOURNAL: folder },
    timeout: 150_000,
  })
  const [run] = z.array(runSchema).parse(JSON.parse(stdout))
  const { loadPlatform } = await import('../../platform/platform.ts')
  if (!run) throw new Error('nothing was run')
  return { run, judged: judgeRun(run, loadPlatform().figures), left: chaosObjects(doubles.apps) }
}

const slow = { timeout: 180_000 }

test('a pod that Chaos Mesh kills is replaced, and its object is gone afterwards', slow, async () => {
  const { run, judged, left } = await experiment('pod-kill', 0, { skewMs: 300 })
  expect(judged.judged[0]?.verdict.kind).toBe('pass')
  expect(judged.effects.join()).toContain('was replaced by')
  expect([left, run.residue]).toEqual([[], []])
})

test('a pod that fails and stays Ready is found by who asks it, not by its status', slow, async () => {
  const { run, judged, left } = await experiment('pod-failure', 3)
  expect(run.journeys[0]?.log.some(({ ok }) => !ok)).toBe(true)
  expect(run.detected.some(({ holds }) => holds)).toBe(false)
  expect(judged.outages[0]?.seen.longest.upper).toBeGreaterThan(1_000)
  expect(judged.judged[0]?.verdict.kind).toBe('pass')
  expect([left, run.residue]).toEqual([[], []])
})

test('an injection that nobody feels has no effect, whatever the controller says', slow, async () => {
  const { judged } = await experiment('pod-failure', 2, { hasNoEffect: true })
  expect(judged.judged[0]?.verdict.kind).toBe('no effect')
})

test('a selection that is empty is no experiment, and its object is taken away', slow, async () => {
  const { run, judged, left } = await experiment('pod-kill', 0, { selectsNothing: true })
  expect(run.notRun).toContain('Chaos Mesh selected no pod')
  expect(judged.judged[0]?.verdict.kind).toBe('not run')
  expect(left).toEqual([])
})

test(
  'a fault ends by itself when its runner is gone, its time counts from the creation of the object',
  slow,
  async () => {
    const { doubles, kubeconfig, folder } = await opened({ skewMs: 400 })
    const field = await openDouble(kubeconfig, folder)
    cleanups.push(() => Promise.all([field.connections.infra.close(), field.connections.apps.close()]))
    const path = `/apis/${chaosMeshGroup}/${chaosMeshVersion}/namespaces/demo/podchaos`
    const pod = doubles.apps.readyPod() ?? ''
    const body = {
      metadata: { name: 'e-1' },
      spec: { action: 'pod-failure', selector: { pods: { demo: [pod] } }, duration: '2s' },
    }
    await field.connections.apps.send({ method: 'POST', path, body }, deadlineIn(10_000))
    await expect.poll(() => doubles.apps.readyPod(), { timeout: 20_000 }).toBeUndefined()
    await expect.poll(() => doubles.apps.readyPod(), { timeout: 20_000 }).toBe(pod)
    expect(chaosObjects(doubles.apps)).toHaveLength(1)
  },
)

test('an object whose finalizer stays is said not to be taken back', slow, async () => {
  const { doubles, kubeconfig, folder } = await opened({ neverRecovers: true })
  const field = await openDouble(kubeconfig, folder)
  cleanups.push(() => Promise.all([field.connections.infra.close(), field.connections.apps.close()]))
  const path = `/apis/${chaosMeshGroup}/${chaosMeshVersion}/namespaces/demo/podchaos`
  const body = { metadata: { name: 'e-1' }, spec: { action: 'pod-failure', selector: {}, duration: '60s' } }
  await field.connections.apps.send({ method: 'POST', path, body }, deadlineIn(10_000))
  const undo = { do: 'delete chaos', cluster: 'apps', plural: 'podchaos', namespace: 'demo', name: 'e-1' } as const
  const [taken] = await takeBack([undo], field, deadlineIn(3_000))
  expect(taken?.failure).toMatch(/finalizer is still there|aborted/)
  expect(chaosObjects(doubles.apps)).toHaveLength(1)
})
