import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import type { Change, Connection } from '../cluster/connection.ts'
import { parseJSON } from '../cluster/json.ts'
import { failureOf } from '../cluster/read.ts'

/** Reads an object or a list; undefined when it is not there. Any other answer is an error with the server's own words. */
export async function readObject<T>(
  connection: Connection,
  path: string,
  schema: z.ZodType<T>,
  deadline: Deadline,
): Promise<T | undefined> {
  const answer = await connection.get(path, deadline)
  if (answer.status === 404) return undefined
  if (answer.status !== 200) throw new Error(`${connection.context}: ${reasonOf(answer, path)}`)
  return schema.parse(parseJSON(answer.text))
}

/** Sends a change; statuses in `tolerated` are as good as success, which is said by the returned status. */
export async function change(
  connection: Connection,
  what: Change,
  deadline: Deadline,
  tolerated: readonly number[] = [],
): Promise<number> {
  const answer = await connection.send(what, deadline)
  if (answer.status >= 300 && !tolerated.includes(answer.status))
    throw new Error(`${connection.context} refused ${what.method} ${what.path}: ${reasonOf(answer, what.path)}`)
  return answer.status
}

function reasonOf(answer: { status: number; text: string }, path: string): string {
  const failure = failureOf(answer, path)
  return failure && 'reason' in failure ? failure.reason : `status ${answer.status}: ${answer.text.slice(0, 200)}`
}

export const mergePatch = 'application/merge-patch+json'
export const jsonPatch = 'application/json-patch+json'

const conditions = z.array(z.object({ type: z.string(), status: z.string() })).default([])
const ownerReferences = z
  .array(z.object({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().default(false) }))
  .default([])

export const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        uid: z.string(),
        deletionTimestamp: z.string().optional(),
        labels: z.record(z.string(), z.string()).default({}),
        ownerReferences,
      }),
      spec: z.object({
        nodeName: z.string().optional(),
        hostNetwork: z.boolean().default(false),
        containers: z.array(z.object({ name: z.string() })),
      }),
      status: z.object({
        phase: z.string().default(''),
        conditions,
        containerStatuses: z
          .array(
            z.object({
              name: z.string(),
              restartCount: z.number().default(0),
              ready: z.boolean().default(false),
              containerID: z.string().optional(),
            }),
          )
          .default([]),
      }),
    }),
  ),
})
export type SeenPod = z.infer<typeof podList>['items'][number]

const nodeSpec = z.object({
  unschedulable: z.boolean().default(false),
  taints: z.array(z.object({ key: z.string(), value: z.string().optional(), effect: z.string() })).default([]),
})
export const nodeList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), uid: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
      spec: nodeSpec,
      status: z.object({ conditions }),
    }),
  ),
})
export type SeenNode = z.infer<typeof nodeList>['items'][number]

export const isReady = ({ status }: { status: { conditions: { type: string; status: string }[] } }): boolean =>
  status.conditions.some(({ type, status: holds }) => type === 'Ready' && holds === 'True')

/** A pod that counts: it is not on its way out, and has not finished. */
export const isCurrent = ({ metadata, status }: SeenPod): boolean =>
  metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded' && status.phase !== 'Failed'

/** `ReplicaSet echo-7d9f`, undefined when no controller owns it. */
export const ownerOf = ({ metadata }: SeenPod): { kind: string; name: string; uid: string } | undefined =>
  metadata.ownerReferences.find(({ controller }) => controller)

export async function readPods(
  connection: Connection,
  deadline: Deadline,
  { namespace, labels }: { namespace?: string; labels?: Record<string, string> } = {},
): Promise<SeenPod[]> {
  const selector = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  const query = selector.length === 0 ? '' : `?labelSelector=${encodeURIComponent(selector.join(','))}`
  const path = `/api/v1/${namespace === undefined ? '' : `namespaces/${namespace}/`}pods${query}`
  return (await readObject(connection, path, podList, deadline))?.items ?? []
}

export const readNodes = async (connection: Connection, deadline: Deadline): Promise<SeenNode[]> =>
  (await readObject(connection, '/api/v1/nodes', nodeList, deadline))?.items ?? []
