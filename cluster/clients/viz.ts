import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Answer } from '../connection.ts'
import type { HTTPGet } from '../http-forward.ts'
import { parseJSON } from '../json.ts'

/** What plays the dashboard answers, but has none of its interface. */
export class NoDashboard extends Error {
  override name = 'NoDashboard'
}

const failure = z.object({ error: z.unknown() })
const standIn = z.object({ standIn: z.string() })

function read<T>({ status, text }: Answer, path: string, schema: z.ZodType<T>): T {
  const body = parseJSON(text)
  const played = standIn.safeParse(body)
  if (played.success) throw new NoDashboard(`${played.data.standIn} is played by a stand-in without ${path}`)
  const parsed = schema.safeParse(body)
  if (status === 200 && parsed.success) return parsed.data
  const reason = failure.safeParse(body).success ? JSON.stringify(body) : text.trim()
  throw new Error(`Linkerd Viz answered ${path} with ${status}: ${reason.slice(0, 160)}`)
}

const resource = z.object({ namespace: z.string(), name: z.string() })
/** Its Protobuf messages come as JSON, in which 64-bit numbers are strings, and empty lists may be null. */
const count = z.coerce.number().default(0)
const edges = z.array(
  z.object({
    src: resource,
    dst: resource,
    clientId: z.string().default(''),
    serverId: z.string().default(''),
    noIdentityMsg: z.string().default(''),
  }),
)
const edgesAnswer = z.object({ ok: z.object({ edges: edges.nullish() }) })

/** A connection that is open now, as the dashboard shows it. */
export type ShownEdge = z.infer<typeof edges>[number]

/** Which resources of a type talk to each other. Throws `NoDashboard`, or with what was answered instead. */
export async function shownEdges(
  get: HTTPGet,
  about: { resource_type: string; namespace?: string },
  deadline: Deadline,
): Promise<ShownEdge[]> {
  const path = `/api/edges?${new URLSearchParams(about).toString()}`
  return read(await get(path, deadline), path, edgesAnswer).ok.edges ?? []
}

const rows = z.array(
  z.object({
    resource,
    meshedPodCount: count,
    runningPodCount: count,
    stats: z
      .object({
        successCount: count,
        failureCount: count,
        latencyMsP50: count,
        latencyMsP95: count,
        latencyMsP99: count,
      })
      .nullish(),
  }),
)
const statsAnswer = z.object({
  ok: z.object({ statTables: z.array(z.object({ podGroup: z.object({ rows: rows.nullish() }) })).nullish() }),
})

/** What the dashboard shows of a resource in the last minute; latencies are whole milliseconds. */
export type ShownStats = z.infer<typeof rows>[number]

/** The figures of the resources of a type. Throws `NoDashboard`, or with what was answered instead. */
export async function shownStats(
  get: HTTPGet,
  about: { resource_type: string; resource_name?: string; namespace?: string; all_namespaces?: string },
  deadline: Deadline,
): Promise<ShownStats[]> {
  const path = `/api/tps-reports?${new URLSearchParams(about).toString()}`
  const { ok } = read(await get(path, deadline), path, statsAnswer)
  return (ok.statTables ?? []).flatMap(({ podGroup }) => podGroup.rows ?? [])
}

/** One request or answer that tap shows. */
export type TapEvent =
  | { kind: 'request'; method: string; path: string; headers: string[] }
  | { kind: 'response'; status: number; headers: string[] }

const headers = z.object({ headers: z.array(z.object({ name: z.string() })).nullish() }).nullish()
const tapEvent = z.object({
  http: z
    .object({
      requestInit: z
        .object({
          method: z.object({ registered: z.string().optional(), unregistered: z.string().optional() }).nullish(),
          path: z.string(),
          headers,
        })
        .optional(),
      responseInit: z.object({ httpStatus: z.number(), headers }).optional(),
    })
    .nullish(),
})

/** Undefined for what is neither the begin of a request nor that of its answer. */
export function tapEventIn(text: string): TapEvent | undefined {
  const parsed = tapEvent.safeParse(parseJSON(text))
  if (!parsed.success || !parsed.data.http) return undefined
  const { requestInit, responseInit } = parsed.data.http
  const namesOf = (all: z.infer<typeof headers>) => (all?.headers ?? []).map(({ name }) => name.toLowerCase())
  if (requestInit) {
    const { method, path } = requestInit
    const named = method?.registered ?? method?.unregistered ?? ''
    return { kind: 'request', method: named, path, headers: namesOf(requestInit.headers) }
  }
  return responseInit && { kind: 'response', status: responseInit.httpStatus, headers: namesOf(responseInit.headers) }
}

const tapPath = '/api/tap'
const mostPerSecond = 100

/**
 * Taps the requests to a pod, over a connection to the dashboard, until `isEnough` or the deadline ends it. Throws
 * `NoDashboard`, or with the reason for which the dashboard closed it.
 */
export function tapPod(
  stream: Duplex,
  { namespace, pod }: { namespace: string; pod: string },
  onEvent: (event: TapEvent) => 'more' | 'enough',
  { signal }: Deadline,
): Promise<void> {
  const socket = new WebSocket(`ws://localhost${tapPath}`, { createConnection: () => stream })
  return new Promise<void>((resolve, reject) => {
    const end = () => resolve()
    signal.addEventListener('abort', end, { once: true })
    socket.on('open', () =>
      socket.send(JSON.stringify({ resource: `pod/${pod}`, namespace, maxRps: mostPerSecond, extract: true })),
    )
    socket.on('message', (data: Buffer) => {
      const event = tapEventIn(data.toString())
      if (event && onEvent(event) === 'enough') end()
    })
    socket.on('unexpected-response', (_, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        try {
          read({ status: response.statusCode ?? 0, text }, tapPath, z.never())
        } catch (error) {
          reject(error)
        }
      })
    })
    socket.on('error', reject)
    socket.on('close', (code, reason) =>
      reject(new Error(`tap was closed with ${code}${reason.length === 0 ? '' : `: ${reason.toString()}`}`)),
    )
  }).finally(() => {
    socket.terminate()
    stream.destroy()
  })
}
