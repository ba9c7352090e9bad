import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Connection } from '../cluster/connection.ts'
import { isCurrent, isReady, readNodes, readObject, readPods } from './cluster-reads.ts'

const systemNamespace = z.object({ metadata: z.object({ uid: z.string() }) })

/** Which cluster this is: the UID of kube-system; undefined when it may not be read. */
export const uidOf = async (connection: Connection, deadline: Deadline): Promise<string | undefined> => {
  const found = await readObject(connection, '/api/v1/namespaces/kube-system', systemNamespace, deadline).catch(
    () => undefined,
  )
  return found?.metadata.uid
}

/** What is not well on a cluster: nodes and pods that are not Ready. */
export async function unwellOn(connection: Connection, deadline: Deadline): Promise<string[]> {
  try {
    const [nodes, pods] = await Promise.all([readNodes(connection, deadline), readPods(connection, deadline)])
    return [
      ...(nodes.length === 0 ? ['it has no nodes'] : []),
      ...nodes.filter((node) => !isReady(node)).map(({ metadata }) => `node ${metadata.name} is not Ready`),
      ...pods
        .filter(isCurrent)
        .filter((pod) => !isReady(pod))
        .map(({ metadata }) => `pod ${metadata.namespace}/${metadata.name} is not Ready`),
    ]
  } catch (error) {
    return [messageOf(error)]
  }
}
