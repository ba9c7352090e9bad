import { setTimeout as sleep } from 'node:timers/promises'
import { holderOn } from '../chaos/journal/in-cluster.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Connection } from '../cluster/connection.ts'
import { getFromService } from '../cluster/http-forward.ts'
import { whoHolds } from '../cluster/own-namespace.ts'
import { loads, ownNamespaces } from '../cluster/own-objects.ts'
import type { WatchedService } from '../cluster/target.ts'
import type { ClusterName } from '../platform/platform.ts'

const everyMs = 3_000
/** So often in a row, and the load ends: a single slow answer says little. */
const patience = 3
/** An API server that needs longer is in trouble, and everybody on the cluster with it. */
const apiServerMs = 5_000

/** Something that must not suffer from the load. `ask` throws, or answers within `maxMs`. */
export type Guard = { what: string; maxMs: number; ask: () => Promise<void> }

export function guardsOf(connections: Record<ClusterName, Connection>, services: readonly WatchedService[]): Guard[] {
  const apiServers = Object.values(connections).map((connection) => ({
    what: `the API server of ${connection.context}`,
    maxMs: apiServerMs,
    ask: async () => {
      const { status } = await connection.get('/readyz', deadlineIn(2 * apiServerMs))
      if (status >= 500) throw new Error(`answered ${status}`)
    },
  }))
  const watched = services.map(({ cluster, namespace, service, port, path, maxMs }) => ({
    what: `${namespace}/${service} on ${cluster}`,
    maxMs,
    ask: async () => {
      const get = getFromService(connections[cluster], { namespace, name: service, port })
      const { status } = await get(path, deadlineIn(2 * maxMs + everyMs))
      if (status >= 500) throw new Error(`answered ${status}`)
    },
  }))
  return [...apiServers, ...watched]
}

/** Why nobody else may begin, or has begun: another run of the suite on one of the clusters. */
export async function otherRun(connections: readonly Connection[]): Promise<string | undefined> {
  const others = ownNamespaces.filter((own) => own !== loads)
  const [held, experimenters] = await Promise.all([
    Promise.all(
      connections.flatMap((connection) => others.map((own) => whoHolds(own, connection, deadlineIn(everyMs)))),
    ),
    Promise.all(connections.map((connection) => holderOn(connection, deadlineIn(everyMs)))),
  ])
  const breaking = connections.flatMap(({ context }, index) => {
    const holder = experimenters[index]
    return holder === undefined ? [] : [`${holder} breaks something on ${context} (pnpm chaos)`]
  })
  return held.find((holder) => holder?.kind === 'run')?.sentence ?? breaking[0]
}

/** Looks after the guards until `signal` aborts; calls `stop` once, with the reason, when the load has to end. */
export async function watch(
  guards: readonly Guard[],
  findOther: () => Promise<string | undefined>,
  stop: (reason: string) => void,
  { signal, pauseMs = everyMs }: { signal: AbortSignal; pauseMs?: number },
): Promise<void> {
  const bad = new Map<Guard, number>()
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- as long as the load lasts
    const [other, ...complaints] = await Promise.all([
      findOther().catch(() => undefined),
      ...guards.map(async (guard) => ({ guard, complaint: await complaintOf(guard) })),
    ])
    if (signal.aborted) return
    if (other !== undefined) return stop(other)
    for (const { guard, complaint } of complaints) {
      const count = complaint === undefined ? 0 : (bad.get(guard) ?? 0) + 1
      bad.set(guard, count)
      if (count >= patience) return stop(`${guard.what} ${complaint ?? ''}, ${patience} times in a row`)
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal }).catch(() => {})
  }
}

async function complaintOf({ maxMs, ask }: Guard): Promise<string | undefined> {
  const began = performance.now()
  try {
    await ask()
  } catch (error) {
    return `did not answer well (${messageOf(error)})`
  }
  const took = performance.now() - began
  return took > maxMs ? `took ${Math.round(took)} ms, ${maxMs} are allowed` : undefined
}
