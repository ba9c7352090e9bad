import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { Connection } from '../connection.ts'
import { parseJSON } from '../json.ts'
import type { ExportStep } from '../kinds/cross-cluster.ts'
import type { Observer } from '../observe.ts'
import { mirroredName, probeNamespace, probePort, serviceObject } from '../probes/objects.ts'
import { create } from '../own-namespace.ts'
import { exportingLabels } from '../probes/probes.ts'

/** The document gives no time for it. */
const patienceMs = 30_000
/** What is left of the observer's time when the last step gives up, so that it still can say so. */
const reserveMs = 3_000
const pauseMs = 300
const otherPort = probePort + 1

const servicePath = `/api/v1/namespaces/${probeNamespace}/services`

/**
 * Exports a Service of the run on infra, changes its port, takes the label away again, and looks after each step what
 * has become of its mirror on apps. It goes with the namespace of the probes whatever happens here.
 */
export const observeExport: Observer = async ({ sites, names, deadline, probes }) => {
  if (!probes) throw new Error('needs probes')
  const { key } = names.labels.exported
  const name = `exported-${probes.run.id}`
  const { infra, apps } = { infra: sites.infra.connection, apps: sites.apps.connection }
  const change = (body: unknown) => patch(infra, `${servicePath}/${name}`, body, deadline)
  const mirror = mirroredName(name, 'infra')
  const owner = probes.on.infra.owner
  const steps = await follow(
    [
      {
        name: 'appears',
        act: async () => {
          await create(infra, servicePath, serviceObject(name, 'plain', owner, exportingLabels(names)), deadline)
        },
        isSeen: (ports) => ports?.includes(probePort) === true,
      },
      {
        name: 'follows a port',
        act: () => change({ spec: { ports: [{ name: 'http', port: otherPort, targetPort: probePort }] } }),
        isSeen: (ports) => ports?.join() === String(otherPort),
      },
      {
        name: 'goes',
        act: () => change({ metadata: { labels: { [key]: null } } }),
        isSeen: (ports) => ports === undefined,
      },
    ],
    { look: () => portsOf(apps, mirror, deadline), deadline },
  )
  await infra.send({ method: 'DELETE', path: `${servicePath}/${name}` }, deadline).catch(() => undefined)
  return steps.map((step) => ({ ...step, service: `${probeNamespace}/${name}` }))
}

type Step = {
  name: ExportStep['metadata']['name']
  act: () => Promise<void>
  /** The ports of the mirror, or undefined when there is none. */
  isSeen: (ports: number[] | undefined) => boolean
}
type Look = () => Promise<number[] | undefined>

/**
 * Does one step after the other and waits until each is seen. After one that is not, the others prove nothing. Throws
 * when a step could not be made or nobody could look: that says nothing of mirrors.
 */
export async function follow(
  steps: readonly Step[],
  { look, deadline, patience = patienceMs }: { look: Look; deadline: Deadline; patience?: number },
): Promise<Omit<ExportStep, 'service'>[]> {
  const done: Omit<ExportStep, 'service'>[] = []
  for (const step of steps) {
    const before = done.at(-1)
    const waits = Math.max(0, Math.min(patience, deadline.remainingMs() - reserveMs))
    const outcome =
      before && before.outcome !== 'followed'
        ? { outcome: 'not tried' as const, detail: `the step before was not followed`, tookMs: 0 }
        : // oxlint-disable-next-line no-await-in-loop -- each step starts from the one before
          await followOne(step, look, deadlineIn(waits, deadline.signal))
    done.push({ metadata: { name: step.name }, patienceMs: Math.round(waits), ...outcome })
  }
  return done
}

async function followOne(
  { act, isSeen }: Step,
  look: Look,
  patience: Deadline,
): Promise<Pick<ExportStep, 'outcome' | 'detail' | 'tookMs'>> {
  const started = performance.now()
  const tookMs = () => Math.round(performance.now() - started)
  await act()
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it is seen
    const ports = await look()
    const detail = ports === undefined ? 'there is no mirror' : `the mirror has port ${ports.join(', ')}`
    if (isSeen(ports)) return { outcome: 'followed', detail, tookMs: tookMs() }
    if (patience.signal.aborted) return { outcome: 'not in time', detail, tookMs: tookMs() }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs)
  }
}

const serviceShape = z.object({ spec: z.object({ ports: z.array(z.object({ port: z.number() })).default([]) }) })

async function portsOf(connection: Connection, name: string, deadline: Deadline): Promise<number[] | undefined> {
  const { status, text } = await connection.get(`${servicePath}/${name}`, deadline)
  if (status === 404) return undefined
  const parsed = serviceShape.safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success) throw new Error(`${connection.context} answered ${status} for Service ${name}`)
  return parsed.data.spec.ports.map(({ port }) => port)
}

async function patch(connection: Connection, path: string, body: unknown, deadline: Deadline): Promise<void> {
  const { status, text } = await connection.send(
    { method: 'PATCH', path, body, type: 'application/merge-patch+json' },
    deadline,
  )
  if (status !== 200)
    throw new Error(`${connection.context} refused PATCH ${path} with ${status}: ${text.slice(0, 200)}`)
}
