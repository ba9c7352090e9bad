import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { SetupError } from '../check/setup-error.ts'
import type { ClusterName } from '../platform/platform.ts'
import type { Connection } from './connection.ts'
import { parseJSON } from './json.ts'
import type { Connections } from './snapshot.ts'
import type { Target } from './target.ts'

/** Which cluster answers: the UID of its namespace kube-system, undefined when that may not be read. */
export type Identity = { uid: string | undefined; version: string }

const systemNamespace = z.object({ metadata: z.object({ uid: z.string() }) })
const versionShape = z.object({ gitVersion: z.string() })
const apiStatus = z.object({ message: z.string() })

/** Proves, before anything else is read, that both clusters answer, are the pinned ones and are two. */
export async function identify(
  target: Target,
  connections: Connections,
  deadline: Deadline,
): Promise<Record<ClusterName, Identity>> {
  const [infra, apps] = await Promise.all([
    identityOf('infra', target, connections.infra, deadline),
    identityOf('apps', target, connections.apps, deadline),
  ])
  if (infra.uid !== undefined && infra.uid === apps.uid) throw sameCluster(target, infra.uid)
  return { infra, apps }
}

async function identityOf(
  cluster: ClusterName,
  target: Target,
  connection: Connection,
  deadline: Deadline,
): Promise<Identity> {
  const where = `context ${connection.context} (${cluster}) at ${connection.server}`
  const pinned = target.clusters[cluster].uid
  const ask = async (path: string) => {
    try {
      return await connection.get(path, deadline)
    } catch (error) {
      throw unreachable(where, error)
    }
  }
  const [namespace, version] = await Promise.all([ask('/api/v1/namespaces/kube-system'), ask('/version')])
  if (namespace.status === 401) throw rejected(where, messageFrom(namespace.text), connection.context)
  const seen = systemNamespace.safeParse(parseJSON(namespace.text))
  const uid = namespace.status === 200 && seen.success ? seen.data.metadata.uid : undefined
  if (namespace.status >= 500)
    throw unreachable(where, new Error(`it answered ${namespace.status}: ${messageFrom(namespace.text)}`))
  if (pinned !== undefined && uid !== pinned) throw wrongCluster(where, pinned, uid, messageFrom(namespace.text))
  const told = versionShape.safeParse(parseJSON(version.text))
  return { uid, version: told.success ? told.data.gitVersion : 'unknown' }
}

function messageFrom(text: string): string {
  const parsed = apiStatus.safeParse(parseJSON(text))
  return parsed.success ? parsed.data.message : text.slice(0, 200)
}

const unreachable = (where: string, error: unknown) =>
  new SetupError({
    what: 'reaching the API server',
    where,
    expected: 'an answer',
    found: messageOf(error),
    try: 'see whether the API server runs and the address and certificates of the kubeconfig are current; for the pair run pnpm pair:status',
  })

const rejected = (where: string, message: string, context: string) =>
  new SetupError({
    what: 'signing in',
    where,
    expected: 'credentials that the API server accepts',
    found: `401 ${message}: they are wrong or have expired`,
    try: `renew the credentials of context ${context}, then kubectl --context ${context} auth whoami`,
  })

const wrongCluster = (where: string, pinned: string, uid: string | undefined, message: string) =>
  new SetupError({
    what: 'recognising the cluster',
    where,
    expected: `kube-system with the pinned UID ${pinned}`,
    found:
      uid === undefined
        ? `its UID cannot be read: ${message}`
        : `UID ${uid}: it is another cluster; nothing was read from it`,
    try: 'correct the context, or pin the new UID in conformance.yaml if the cluster was rebuilt on purpose',
  })

const sameCluster = ({ clusters }: Target, uid: string) =>
  new SetupError({
    what: 'recognising the clusters',
    where: `contexts ${clusters.infra.context} and ${clusters.apps.context}`,
    expected: 'two clusters',
    found: `one: both have the kube-system UID ${uid}`,
    try: 'point one of the two contexts at the other cluster',
  })
