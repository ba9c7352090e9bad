import { randomBytes } from 'node:crypto'
import type { Restoring } from './database.ts'
import type { Repository } from './restic.ts'
import { storeOf } from './store.ts'

/** One name for all runs: the bucket of a killed one goes with the next. */
export const bucket = 'conformance-chaos'

/** The store is in the mesh, so it is reached from inside: from the network of a pod with a proxy. */
export async function storeRepository(
  { fault, field, cluster, deadline, tools }: Restoring,
  from: { node: string; containerID: string },
): Promise<Repository> {
  const { host, account } = await storeOf(fault.store, cluster, field, deadline)
  if (!field.placeInMesh) throw new Error('nobody here reaches the object store from inside the mesh')
  return {
    program: await tools.program(),
    place: await field.placeInMesh(from),
    url: `s3:http://${host}/${bucket}`,
    password: randomBytes(24).toString('base64url'),
    account,
  }
}
