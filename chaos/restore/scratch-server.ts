import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { Connection } from '../../cluster/connection.ts'
import type { Range } from '../clocks/attempts.ts'
import { monotonicNow } from '../clocks/attempts.ts'
import { change, readObject } from '../cluster-reads.ts'
import { experimentLabel, managedBy, workloadNamespace } from '../names.ts'
import { patiently } from '../patiently.ts'
import { scratchName } from './scratch-pod.ts'

const pauseMs = 200
const logMs = 5_000

const runningPod = z.object({
  status: z.object({
    podIP: z.string().optional(),
    containerStatuses: z
      .array(
        z.object({
          containerID: z.string().optional(),
          state: z.object({ running: z.unknown().optional() }).default({}),
        }),
      )
      .default([]),
  }),
})

/** Makes the empty server in a namespace of its own, and waits until it waits. */
export async function raiseScratch(
  connection: Connection,
  body: object,
  id: string,
  deadline: Deadline,
): Promise<{ containerID: string; address: string }> {
  const metadata = { name: workloadNamespace, labels: { ...managedBy, [experimentLabel]: id } }
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata }
  await change(connection, { method: 'POST', path: '/api/v1/namespaces', body: namespace }, deadline)
  const path = `/api/v1/namespaces/${workloadNamespace}/pods`
  // A new namespace needs a moment for its account.
  await patiently(deadline, () => change(connection, { method: 'POST', path, body }, deadline))
  return patiently(deadline, async () => {
    const pod = await readObject(connection, `${path}/${scratchName}`, runningPod, deadline)
    const [container] = pod?.status.containerStatuses ?? []
    const address = pod?.status.podIP
    if (container?.containerID === undefined || !container.state.running || address === undefined)
      throw new Error('the server to restore into does not run yet')
    return { containerID: container.containerID, address }
  })
}

/** The last things that the server said, which tell why it does not answer. */
export async function lastWords(connection: Connection): Promise<string> {
  const path = `/api/v1/namespaces/${workloadNamespace}/pods/${scratchName}/log?tailLines=12`
  const { status, text } = await connection.get(path, deadlineIn(logMs))
  return status === 200 ? text.trim().replaceAll('\n', '; ') : `its log cannot be read (${status})`
}

/** Asks the restored server until it answers: it was back between the question before and the end of that one. */
export async function firstAnswer<T>(ask: () => Promise<T>, deadline: Deadline): Promise<{ answer: T; served: Range }> {
  let lower = monotonicNow()
  for (;;) {
    const asked = monotonicNow()
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it answers
      const answer = await ask()
      return { answer, served: { lower, upper: monotonicNow() } }
    } catch (error) {
      if (deadline.signal.aborted)
        throw new Error(`the restored server does not answer: ${messageOf(error)}`, { cause: error })
    }
    lower = asked
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs)
  }
}
