import { request } from 'node:http'
import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { forwardTo } from './channels.ts'
import type { Answer, Connection } from './connection.ts'
import { TransportError } from './connection.ts'
import { parseJSON } from './json.ts'

/** Asks one program over HTTP. Answers with any status of its own; throws `TransportError` when it was not reached. */
export type HTTPGet = (path: string, deadline: Deadline) => Promise<Answer>

export type ServicePort = { namespace: string; name: string; port: number }

/**
 * Asks what is behind a Service, through the API server. A meshed pod that refuses clients without an identity refuses
 * the API server too; it is then asked over a port-forward, which does not pass its proxy.
 */
export const getFromService =
  (connection: Connection, service: ServicePort): HTTPGet =>
  async (path, deadline) => {
    const { namespace, name, port } = service
    const answer = await connection.get(
      `/api/v1/namespaces/${namespace}/services/${name}:${port}/proxy${path}`,
      deadline,
    )
    const refusal = refusalOf(answer)
    if (refusal === undefined) return answer
    const first = `Service ${namespace}/${name}:${port} on ${connection.context}: ${refusal}`
    if (answer.status === 404) throw new TransportError(first)
    try {
      const target = await podBehind(connection, service, deadline)
      return await getFromPod(connection, target, path, deadline)
    } catch (error) {
      throw new TransportError(`${first}; by port-forward: ${messageOf(error)}`)
    }
  }

/**
 * Asks what is behind a Service over a port-forward only: for what needs headers that the API server keeps for itself,
 * or answers its own host name alone.
 */
export const forwardToService =
  (connection: Connection, service: ServicePort, headers: Record<string, string> = {}): HTTPGet =>
  async (path, deadline) => {
    const { namespace, name, port } = service
    let target: Awaited<ReturnType<typeof podBehind>>
    try {
      target = await podBehind(connection, service, deadline)
    } catch (error) {
      throw new TransportError(`Service ${namespace}/${name}:${port} on ${connection.context}: ${messageOf(error)}`)
    }
    return getFromPod(connection, target, path, deadline, headers)
  }

const apiStatus = z.object({ kind: z.literal('Status'), message: z.string().optional() })

/** Why an answer does not come from the program that was asked: from the API server, or from a proxy in between. */
function refusalOf({ status, text }: Answer): string | undefined {
  if (status < 400) return undefined
  const parsed = apiStatus.safeParse(parseJSON(text))
  if (parsed.success) return parsed.data.message ?? `status ${status}`
  return status === 403 && text === '' ? 'a proxy in front of it refuses unmeshed clients (403)' : undefined
}

/** One GET to a port of a pod, on a port-forward of its own. */
export async function getFromPod(
  connection: Connection,
  { namespace, pod, port }: { namespace: string; pod: string; port: number },
  path: string,
  deadline: Deadline,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const stream = await forwardTo(connection, { namespace, pod }, port, deadline)
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const fail = (error: unknown) =>
        reject(new TransportError(`pod ${namespace}/${pod}:${port}: ${messageOf(error)}`))
      const asking = request(
        { createConnection: () => stream, path, headers: { host: 'localhost', connection: 'close', ...headers } },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.once('error', fail)
          response.once('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          )
        },
      )
      asking.once('error', fail)
      asking.end()
    })
  } finally {
    stream.destroy()
  }
}

const slices = z.object({
  items: z.array(
    z.object({
      ports: z.array(z.object({ name: z.string().nullish(), port: z.number() })).nullish(),
      endpoints: z
        .array(
          z.object({
            conditions: z.object({ ready: z.boolean().nullish() }).optional(),
            targetRef: z.object({ kind: z.string().optional(), name: z.string() }).optional(),
          }),
        )
        .nullish(),
    }),
  ),
})
const servicePorts = z.object({
  spec: z.object({ ports: z.array(z.object({ name: z.string().optional(), port: z.number() })) }),
})

/** A ready pod behind a Service, and the port that it has for the Service's. */
export async function podBehind(
  connection: Connection,
  { namespace, name, port }: ServicePort,
  deadline: Deadline,
): Promise<{ namespace: string; pod: string; port: number }> {
  const [service, listed] = await Promise.all([
    connection.get(`/api/v1/namespaces/${namespace}/services/${name}`, deadline),
    connection.get(
      `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${name}`)}`,
      deadline,
    ),
  ])
  const ports = servicePorts.safeParse(parseJSON(service.text))
  const found = slices.safeParse(parseJSON(listed.text))
  if (!ports.success || !found.success) throw new Error(`its endpoints could not be read (${listed.status})`)
  const called = ports.data.spec.ports.find((offered) => offered.port === port)?.name ?? ''
  for (const { ports: targets, endpoints } of found.data.items) {
    const target = targets?.find((candidate) => (candidate.name ?? '') === called)
    const ready = endpoints?.find(({ conditions, targetRef }) => conditions?.ready === true && targetRef !== undefined)
    if (target && ready?.targetRef) return { namespace, pod: ready.targetRef.name, port: target.port }
  }
  throw new Error('it has no ready pod')
}
