import pLimit from 'p-limit'
import type { ClusterName, Names } from '../platform/platform.ts'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Listing, Snapshot, Source } from '../check/source.ts'
import type { Connection } from './connection.ts'
import type { Served } from './discovery.ts'
import { discover } from './discovery.ts'
import { readSource } from './read.ts'

/** Lists under way at once per cluster: enough to hide latency, few enough to leave the API server alone. */
const concurrentReads = 16

export type Connections = Record<ClusterName, Connection>

/** Reads every source once from both clusters, all in parallel. Sources that could not be read say so in their listing. */
export async function takeSnapshot(
  connections: Connections,
  sources: readonly Source<unknown>[],
  names: Names,
  deadline: Deadline,
): Promise<Snapshot> {
  const read = (cluster: ClusterName) => readCluster(cluster, connections[cluster], sources, names, deadline)
  const [infra, apps] = await Promise.all([read('infra'), read('apps')])
  return { infra, apps }
}

async function readCluster(
  cluster: ClusterName,
  connection: Connection,
  sources: readonly Source<unknown>[],
  names: Names,
  deadline: Deadline,
): Promise<Record<string, Listing>> {
  let served: Served
  try {
    served = await discover(connection, deadline)
  } catch (error) {
    const listing: Listing = { state: 'unreachable', reason: `discovery failed: ${messageOf(error)}` }
    return Object.fromEntries(sources.map(({ id }) => [id, listing]))
  }
  const limit = pLimit(concurrentReads)
  const entries = sources.map((source) =>
    limit(async () => [source.id, await readSource(source, served, { cluster, connection, names, deadline })] as const),
  )
  return Object.fromEntries(await Promise.all(entries))
}
