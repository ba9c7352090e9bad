import { isIP } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Connection } from '../../cluster/connection.ts'
import { isCurrent, isReady, readObject, readPods } from '../cluster-reads.ts'
import type { Field } from '../field.ts'
import { configMapName } from '../journal/in-cluster.ts'
import { chaosNamespace, workloadNamespace } from '../names.ts'
import { canaryFolder, volumePath } from '../workloads.ts'
import type { Journey } from './journey.ts'
import type { Order } from './main.ts'
import type { Place } from './probers.ts'

/** What a prober is told, and where it stands. */
export type Posting = { order: Order; place: Place }

const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) })
const secretSchema = z.object({ data: z.object({ username: z.string(), password: z.string(), dbname: z.string() }) })

export const tableOf = (id: string) => `chaos_${id.replaceAll(/[^a-z0-9]/g, '_')}`

/** Turns a journey into an order for a prober. `without`: nodes that are about to be lost. */
export async function postingOf(
  journey: Journey,
  id: string,
  field: Field,
  without: readonly string[],
  deadline: Deadline,
): Promise<Posting> {
  const { periodMs, timeoutMs, from } = journey
  const connection = field.connections[from]
  switch (journey.by) {
    case 'api': {
      const path = `/api/v1/namespaces/${chaosNamespace}/configmaps/${configMapName(id)}`
      const { kubeconfig } = field
      const isWrite = journey.operation === 'write'
      return {
        order: { do: 'api', kubeconfig, context: field.contexts[from], path, isWrite, periodMs, timeoutMs },
        place: [],
      }
    }
    case 'service': {
      const { namespace, service, port, path } = journey
      const place = await placeFor(journey, field, without, deadline)
      const address = place && (await addressOf(connection, namespace, service, deadline))
      if (place === undefined || address === undefined) {
        if (journey.meshed) throw new Error(`${journey.id}: Service ${namespace}/${service} has no address of its own`)
        const proxied = `/api/v1/namespaces/${namespace}/services/${service}:${port}/proxy${path}`
        const { kubeconfig } = field
        return {
          order: {
            do: 'api',
            kubeconfig,
            context: field.contexts[from],
            path: proxied,
            isWrite: false,
            periodMs,
            timeoutMs,
          },
          place: [],
        }
      }
      return { order: { do: 'get', url: `http://${address}:${port}${path}`, periodMs, timeoutMs }, place }
    }
    case 'files': {
      if (!field.restore) throw new Error(`${journey.id}: nobody here reaches the files of a volume`)
      const volume = await field.restore.filesIn(await ownContainer(connection, journey.workload, deadline), volumePath)
      return { order: { do: 'files', folder: join(volume, canaryFolder), periodMs, timeoutMs }, place: [] }
    }
    case 'objects': {
      const { kubeconfig, contexts } = field
      const namespace = workloadNamespace
      return {
        order: { do: 'objects', kubeconfig, context: contexts[from], namespace, periodMs, timeoutMs },
        place: [],
      }
    }
    case 'postgres': {
      const { namespace, service, secret, secretOn = from } = journey
      const place = await placeFor(journey, field, without, deadline)
      if (place === undefined) throw new Error(`${journey.id}: there is no place from which ${service} can be reached`)
      const host = await addressOf(connection, namespace, service, deadline)
      if (host === undefined)
        throw new Error(`${journey.id}: Service ${namespace}/${service} has no address of its own`)
      const database = {
        host,
        port: 5432,
        table: tableOf(id),
        ...(await account(field.connections[secretOn], namespace, secret, deadline)),
      }
      return { order: { do: 'insert', database, periodMs, timeoutMs }, place }
    }
  }
}

/** The running container of a workload that the scenario brought. */
export async function ownContainer(connection: Connection, workload: string, deadline: Deadline): Promise<string> {
  const pods = await readPods(connection, deadline, { namespace: workloadNamespace, labels: { app: workload } })
  const pod = pods.filter(isCurrent).find(isReady)
  const containerID = pod?.status.containerStatuses[0]?.containerID
  if (containerID === undefined) throw new Error(`no pod of ${workload} is Ready`)
  return containerID
}

async function placeFor(
  journey: Extract<Journey, { by: 'service' | 'postgres' }>,
  field: Field,
  without: readonly string[],
  deadline: Deadline,
): Promise<Place | undefined> {
  if (!journey.meshed) return field.placeOn?.(journey.from, without)
  if (!field.placeInMesh) throw new Error(`${journey.id}: there is no place inside the mesh for a prober here`)
  return field.placeInMesh(await meshedPod(field.connections[journey.from], journey, without, deadline))
}

/** A pod with a proxy, on a node that stays: its name says nothing, only that it is no part of what is broken. */
export async function meshedPod(
  connection: Connection,
  { id, from }: Pick<Journey, 'id' | 'from'>,
  without: readonly string[],
  deadline: Deadline,
): Promise<{ node: string; containerID: string }> {
  const pods = (await readPods(connection, deadline, { namespace: 'demo' })).filter(isCurrent).filter(isReady)
  for (const { spec, status } of pods) {
    const proxy = status.containerStatuses.find(({ name }) => name === 'linkerd-proxy')
    const { nodeName } = spec
    if (proxy?.containerID !== undefined && nodeName !== undefined && !without.includes(nodeName))
      return { node: nodeName, containerID: proxy.containerID }
  }
  throw new Error(`${id}: no meshed pod of namespace demo on ${from} is ready`)
}

/** Undefined for a Service that is but a name for its pods: they are asked through the API server, which knows them. */
async function addressOf(
  connection: Connection,
  namespace: string,
  service: string,
  deadline: Deadline,
): Promise<string | undefined> {
  const found = await readObject(
    connection,
    `/api/v1/namespaces/${namespace}/services/${service}`,
    serviceSchema,
    deadline,
  )
  if (!found) throw new Error(`${connection.context} has no Service ${namespace}/${service}`)
  return isIP(found.spec.clusterIP) === 0 ? undefined : found.spec.clusterIP
}

async function account(connection: Connection, namespace: string, secret: string, deadline: Deadline) {
  const found = await readObject(
    connection,
    `/api/v1/namespaces/${namespace}/secrets/${secret}`,
    secretSchema,
    deadline,
  )
  if (!found) throw new Error(`${connection.context} has no Secret ${namespace}/${secret}`)
  const plain = (text: string) => Buffer.from(text, 'base64').toString()
  const { username, password, dbname } = found.data
  return { user: plain(username), password: plain(password), database: plain(dbname) }
}
