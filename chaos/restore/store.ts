import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { forwardTo } from '../../cluster/channels.ts'
import type { S3Account } from '../../cluster/clients/s3.ts'
import { withS3 } from '../../cluster/clients/s3.ts'
import type { ClusterName } from '../../platform/platform.ts'
import { isReady, readObject, readPods } from '../cluster-reads.ts'
import type { Field } from '../field.ts'
import { plainName } from '../shapes.ts'

/** Where backups go: an object store in a cluster, with the Secret that MinIO's chart makes. */
export const storeSchema = z.strictObject({
  namespace: plainName,
  service: plainName,
  /** Labels of its pods, to reach it when its Service cannot be. */
  app: plainName,
  secret: plainName,
  port: z.int().min(1).max(65_535),
})
export type Store = z.infer<typeof storeSchema>

const secretSchema = z.object({ data: z.record(z.string(), z.string()) })
const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) })

/** Address and account of an object store. */
export async function storeOf(
  { namespace, service, secret, port }: Store,
  cluster: ClusterName,
  { connections }: Pick<Field, 'connections'>,
  deadline: Deadline,
): Promise<{ host: string; account: S3Account }> {
  const connection = connections[cluster]
  const [found, account] = await Promise.all([
    readObject(connection, `/api/v1/namespaces/${namespace}/services/${service}`, serviceSchema, deadline),
    readObject(connection, `/api/v1/namespaces/${namespace}/secrets/${secret}`, secretSchema, deadline),
  ])
  const plain = (key: string) => Buffer.from(account?.data[key] ?? '', 'base64').toString()
  const [accessKeyId, secretAccessKey] = [plain('rootUser'), plain('rootPassword')]
  if (!found || accessKeyId === '' || secretAccessKey === '')
    throw new Error(`${cluster} has no Service ${namespace}/${service} with an account in Secret ${secret}`)
  return { host: `${found.spec.clusterIP}:${port}`, account: { accessKeyId, secretAccessKey } }
}

/** Deletes a bucket with everything in it, as MinIO can. One that is not there is no error. */
export async function deleteBucket(
  bucket: string,
  store: Store,
  cluster: ClusterName,
  field: Pick<Field, 'connections'>,
  deadline: Deadline,
): Promise<void> {
  const connection = field.connections[cluster]
  const { namespace, app, port } = store
  const { host, account } = await storeOf(store, cluster, field, deadline)
  const pod = (await readPods(connection, deadline, { namespace, labels: { app } })).find(isReady)
  if (!pod) throw new Error(`no pod of ${app} in ${namespace} on ${cluster} is Ready`)
  const stream = await forwardTo(connection, { namespace, pod: pod.metadata.name }, port, deadline)
  await withS3(
    () => stream,
    { account, host, signal: deadline.signal },
    async (request) => {
      const { status, body } = await request('DELETE', `/${bucket}`, {
        // One request and no more: what is forwarded is no socket that could be kept alive.
        headers: { connection: 'close', 'x-minio-force-delete': 'true' },
      })
      if (status >= 300 && status !== 404)
        throw new Error(`bucket ${bucket} stays: ${status} ${body.toString().slice(0, 200)}`)
    },
  )
}
