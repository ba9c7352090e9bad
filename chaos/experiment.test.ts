import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Field } from './field.ts'
import { APIDouble } from './double/api-double.ts'
import { kubeconfigOf, openDouble } from './double/field-double.ts'
import { readJournals, steps, unfinishedIn } from './journal/disk.ts'
import { judgeRun } from './judge-run.ts'
import type { Run } from './run-record.ts'
import { runSchema } from './run-record.ts'
import { stopFile } from './stop.ts'
import { sweep } from './sweep.ts'

// Everything here runs against doubles of API servers: it proves the logic of chaos, and nothing about a platform.
let folder: string
let doubles: Record<'infra' | 'apps', APIDouble>
let kubeconfig: string
let field: Field

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaos-'))
  process.env['CHAOS_JOURNAL'] = folder
  doubles = {
    infra: await APIDouble.start({ uid: 'infra-uid', replaceMs: 500 }),
    apps: await APIDouble.start({ uid: 'apps-uid', replaceMs: 500 }),
  }
  kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf({ infra: doubles.infra.port, apps: doubles.apps.port }))
  field = await openDouble(kubeconfig, folder)
})

afterEach(async () => {
  await Promise.all([field.connections.infra.close(), field.connections.apps.close()])
  doubles.infra.stop()
  doubles.apps.stop()
  delete process.env['CHAOS_JOURNAL']
  await rm(folder, { recursive: true, maxRetries: 5 })
})

const pods = { namespace: 'demo', labels: { app: 'echo' }, take: 1 }
const kubernetes = { driver: 'kubernetes', atMost: 1 }
const deletion = { ...kubernetes, action: 'delete', pods }
const scaling = {
  ...kubernetes,
  action: 'scale',
  workload: { kind: 'Deployment', namespace: 'demo', name: 'echo' },
  replicas: 0,
}
const power = { driver: 'node-power', action: 'off', atMost: 1, nodes: ['node-2'] }
const tainting = { ...kubernetes, action: 'taint', nodes: ['node-2'], effect: 'NoSchedule' }

async function scenarioFile(fault: object, by: string, faultSeconds: number): Promise<string> {
  const file = join(folder, 'scenario.json')
  const scenario = {
    id: 'on-doubles',
    what: 'something of a double',
    cluster: 'apps',
    tier: 1,
    fault,
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
    judge: [{ claim: 'DR-06', objective: 'podRecovery', by, fact: 'it heals' }],
    steadySeconds: 1,
    stableSeconds: 2,
    faultSeconds,
    longestSeconds: 30,
  }
  await writeFile(file, JSON.stringify(scenario))
  return file
}

const start = (file: string, env: Record<string, string> = {}) =>
  execa(process.execPath, [join(import.meta.dirname, 'double/runner.ts'), kubeconfig, folder, file], {
    reject: false,
    env: { CHAOS_JOURNAL: folder, ...env },
  })

async function runOn(file: string): Promise<Run> {
  const { stdout, stderr } = await start(file)
  const parsed: unknown = stdout === '' ? undefined : JSON.parse(stdout)
  if (!Array.isArray(parsed)) throw new Error(`the runner said nothing: ${stderr}`)
  return runSchema.parse(parsed[0])
}
const verdictOf = (run: Run) => judgeRun(run, field.platform.figures).judged[0]?.verdict

/** All objects, pods aside: those come and go. */
const stateOf = ({ objects }: APIDouble) =>
  [...objects]
    .filter(([path]) => !path.includes('/pods/') && !path.includes('conformance-chaos'))
    .map(([path, { spec, metadata }]) => `${path} ${JSON.stringify({ spec, labels: metadata.labels })}`)
    .toSorted()

describe('an experiment on doubles', () => {
  test('measures the outage of a deleted pod, proves its effect, and leaves nothing', async () => {
    const before = stateOf(doubles.apps)
    const run = await runOn(await scenarioFile(deletion, 'outage', 0))
    const verdict = verdictOf(run)
    expect(verdict).toMatchObject({ kind: 'pass' })
    const { judged, effects, clocks } = judgeRun(run, field.platform.figures)
    expect(judged[0]?.measured[0]?.range.lower).toBeGreaterThan(200)
    expect(effects).toContain('Pod demo/echo-1 was replaced by Pod demo/echo-2')
    expect(clocks.redundant?.upper).toBeGreaterThan(500)
    expect(run.residue).toEqual([])
    expect(stateOf(doubles.apps)).toEqual(before)
    expect(unfinishedIn(readJournals(folder))).toEqual([])
    expect(run.simulated).toBe(true)
  })

  test('scales a workload away and back, and counts the healing from there', async () => {
    const run = await runOn(await scenarioFile(scaling, 'healing', 2))
    const { judged } = judgeRun(run, field.platform.figures)
    expect(judged[0]?.verdict).toMatchObject({ kind: 'pass' })
    expect(judged[0]?.measured[0]?.range.upper).toBeGreaterThan(500)
    expect(doubles.apps.objects.get('/apis/apps/v1/namespaces/demo/deployments/echo')?.spec?.['replicas']).toBe(1)
  })

  test('that changes nothing has no effect, and does not pass', async () => {
    doubles.apps.stop()
    doubles.apps = await APIDouble.start({ uid: 'apps-uid', replaceMs: 0 })
    await writeFile(kubeconfig, kubeconfigOf({ infra: doubles.infra.port, apps: doubles.apps.port }))
    field = await openDouble(kubeconfig, folder)
    const run = await runOn(await scenarioFile({ ...scaling, replicas: 1 }, 'outage', 1))
    expect(verdictOf(run)?.kind).not.toBe('pass')
  })

  test('is refused where an experiment is under way, and where a stop file lies', async () => {
    const lease = '/apis/coordination.k8s.io/v1/namespaces/conformance-chaos/leases/experiment'
    const spec = { holderIdentity: 'elsewhere/1', leaseDurationSeconds: 60, renewTime: new Date().toISOString() }
    doubles.apps.objects.set(lease, { metadata: { name: 'experiment' }, spec })
    const file = await scenarioFile(deletion, 'outage', 0)
    expect(verdictOf(await runOn(file))?.reason).toContain('refused (second experiment): elsewhere/1 has an experiment')
    doubles.apps.objects.delete(lease)
    await writeFile(stopFile(folder), 'enough for today')
    expect(verdictOf(await runOn(file))?.reason).toContain('enough for today')
    expect(doubles.apps.readyPod()).toBe('echo-1')
  })

  test('is aborted by a stop file, taken back by its guardian, and the stop stays until it is cleared', async () => {
    const running = start(await scenarioFile(power, 'untouched', 20))
    await expect.poll(() => readJournals(folder)[0]?.last, { timeout: 30_000 }).toBe('injected')
    expect(await field.power?.isOn('node-2')).toBe(false)
    await writeFile(stopFile(folder), 'enough for today')
    const { stdout } = await running
    const run = runSchema.parse((JSON.parse(stdout) as unknown[])[0])
    expect(verdictOf(run)).toEqual({ kind: 'aborted', reason: expect.stringContaining('enough for today') })
    expect(await field.power?.isOn('node-2')).toBe(true)
    const again = await runOn(await scenarioFile(deletion, 'outage', 0))
    expect(verdictOf(again)?.reason).toContain('refused (stopped)')
    expect((await sweep(field, { clearsStop: true })).isClean).toBe(true)
    expect(verdictOf(await runOn(await scenarioFile(deletion, 'outage', 0)))?.kind).toBe('pass')
  })
})

describe('a runner that is killed', () => {
  const kinds = [
    ['scale', scaling, 'healing'],
    ['taint', tainting, 'untouched'],
    ['power', power, 'untouched'],
  ] as const

  test.each(
    steps.filter((step) => step !== 'ended').map((step, index) => [step, ...(kinds[index % 3] ?? kinds[0])] as const),
  )(
    'after %s (%s) leaves nothing that the sweep does not take back',
    { timeout: 120_000 },
    async (step, _, fault, by) => {
      const before = stateOf(doubles.apps)
      const killed = await start(await scenarioFile(fault, by, 3), { CHAOS_DIE_AT: step })
      expect(killed.signal).toBe('SIGKILL')
      const { lines, isClean } = await sweep(field, { clearsStop: false })
      expect([isClean, isClean ? [] : lines]).toEqual([true, []])
      expect(stateOf(doubles.apps)).toEqual(before)
      expect(await field.power?.isOn('node-2')).toBe(true)
      expect(unfinishedIn(readJournals(folder))).toEqual([])
      await expect.poll(() => doubles.apps.readyPod(), { timeout: 5_000 }).toBeDefined()
      expect((await sweep(field, { clearsStop: false })).lines).toEqual(['nothing was left over'])
    },
  )

  test('right after the fault has it taken back by its guardian, without any sweep', { timeout: 120_000 }, async () => {
    await start(await scenarioFile(power, 'untouched', 20), { CHAOS_DIE_AT: 'injected' })
    await expect.poll(() => field.power?.isOn('node-2'), { timeout: 20_000 }).toBe(true)
  })
})
