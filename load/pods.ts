import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { parseJSON } from '../cluster/json.ts'
import { pathOf } from '../cluster/own-namespace.ts'
import { loads } from '../cluster/own-objects.ts'
import { generatorLabel } from './objects.ts'

const pauseMs = 500

const containerStatus = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  containerID: z.string().default(''),
  state: z
    .object({
      terminated: z.object({ exitCode: z.number(), reason: z.string().optional() }).optional(),
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
    })
    .default({}),
})

const pod = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({
    nodeName: z.string().default(''),
    containers: z.array(z.object({ name: z.string() })),
    initContainers: z.array(z.object({ name: z.string() })).default([]),
  }),
  status: z.object({
    phase: z.string().default('Pending'),
    reason: z.string().optional(),
    message: z.string().optional(),
    podIP: z.string().default(''),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    containerStatuses: z.array(containerStatus).default([]),
    initContainerStatuses: z.array(containerStatus).default([]),
  }),
})
export type LoadPod = z.infer<typeof pod>

const proxyName = 'linkerd-proxy'

/** Whether the mesh took the pod in, by its containers as they are, not by what was asked for. */
export const isMeshed = ({ spec }: LoadPod): boolean =>
  [...spec.containers, ...spec.initContainers].some(({ name }) => name === proxyName)

export const restartsOf = ({ status }: LoadPod): number =>
  [...status.containerStatuses, ...status.initContainerStatuses].reduce(
    (sum, { restartCount }) => sum + restartCount,
    0,
  )

/** One container of the load, by its name and by the id that its runtime gave it. */
export type LoadContainer = { pod: string; container: string; id: string }

/** A container of a pod as its kubelet's metrics know it; without an id when it has not begun. */
export const containerOf = ({ metadata, status }: LoadPod, container: string): LoadContainer => ({
  pod: metadata.name,
  container,
  id: (status.containerStatuses.find(({ name }) => name === container)?.containerID ?? '').replace(/^.*:\/\//, ''),
})

export const isReady = ({ status }: LoadPod): boolean =>
  status.podIP !== '' && status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')

/** The pods of the load on one cluster. */
export async function podsOf(connection: Connection, deadline: Deadline): Promise<LoadPod[]> {
  const { status, text } = await connection.get(`${pathOf(loads)}/pods`, deadline)
  const parsed = z.object({ items: z.array(pod) }).safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success)
    throw new Error(`${connection.context} answered ${status} for the pods of ${loads.name}: ${text.slice(0, 200)}`)
  return parsed.data.items
}

/** The pods in which k6 sends; a TestRun has others beside them, with the same labels. */
export const generatorsOf = (all: readonly LoadPod[], name: string): LoadPod[] =>
  all.filter(
    ({ metadata: { labels } }) =>
      labels[generatorLabel] === name && (labels['k6_cr'] === undefined || labels['runner'] === 'true'),
  )

export const serverNamed = (all: readonly LoadPod[], name: string): LoadPod | undefined =>
  all.find(({ metadata }) => metadata.labels['app'] === name)

/** Waits until a server of each name is there and as wanted. Throws with what keeps the first that is not. */
export const waitForServers = (
  connection: Connection,
  names: readonly string[],
  isWanted: (pod: LoadPod) => boolean,
  deadline: Deadline,
): Promise<LoadPod[]> =>
  waitForPods(connection, names, (all) => names.map((name) => serverNamed(all, name)), isWanted, deadline)

/** The same for all k6 of one name. */
export const waitForGenerators = (
  connection: Connection,
  { name, count }: { name: string; count: number },
  isWanted: (pod: LoadPod) => boolean,
  deadline: Deadline,
): Promise<LoadPod[]> => {
  const names = Array.from({ length: count }, () => name)
  const find = (all: LoadPod[]) => {
    const own = generatorsOf(all, name)
    return names.map((_, index) => own[index])
  }
  return waitForPods(connection, names, find, isWanted, deadline)
}

async function waitForPods(
  connection: Connection,
  names: readonly string[],
  find: (all: LoadPod[]) => (LoadPod | undefined)[],
  isWanted: (pod: LoadPod) => boolean,
  deadline: Deadline,
): Promise<LoadPod[]> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until they are as wanted
    const all = await podsOf(connection, deadline)
    const found = find(all)
    if (found.every((one) => one !== undefined && isWanted(one))) return found as LoadPod[]
    const broken = found.find((one) => one?.status.phase === 'Failed' && !isWanted(one))
    if (broken) throw new Error(`${broken.metadata.name} on ${connection.context} failed: ${whyNot(broken)}`)
    if (deadline.signal.aborted || deadline.remainingMs() < 2 * pauseMs) {
      const index = found.findIndex((one) => one === undefined || !isWanted(one))
      const late = found[index]
      throw new Error(
        `${names[index]} on ${connection.context} is not there in time: ${late ? whyNot(late) : 'it has no pod'}`,
      )
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}

function whyNot({ status }: LoadPod): string {
  const waiting = [...status.initContainerStatuses, ...status.containerStatuses].flatMap(({ name, state }) =>
    state.waiting ? [`${name} ${state.waiting.reason ?? 'waits'} ${state.waiting.message ?? ''}`.trim()] : [],
  )
  const ended = status.containerStatuses.flatMap(({ name, state }) =>
    state.terminated ? [`${name} ended with ${state.terminated.exitCode}`] : [],
  )
  return [status.reason ?? status.phase, status.message, ...waiting, ...ended].filter(Boolean).join(', ')
}

/** The whole log of a container. */
export async function logOf(
  connection: Connection,
  name: string,
  container: string,
  deadline: Deadline,
): Promise<string> {
  const { status, text } = await connection.get(
    `${pathOf(loads)}/pods/${name}/log?container=${container}`,
    deadline,
    '*/*',
  )
  if (status !== 200)
    throw new Error(`${connection.context} answered ${status} for the log of ${name}: ${text.slice(0, 200)}`)
  return text
}
