import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Answer } from '../connection.ts'
import type { HTTPGet } from '../http-forward.ts'
import { parseJSON } from '../json.ts'

/** A pod, as the dashboard of Linkerd Viz asks for it. */
export type VizPod = { namespace: string; pod: string }

/** What the dashboard shows of the requests to a pod in the last minute. Latencies are whole milliseconds. */
export type VizStats = { succeeded: number; failed: number; p50: number; p95: number; p99: number }
/** A connection that is open now. */
export type VizEdge = { from: string; to: string }

/** What plays the dashboard answers, but has none of its interface. */
export class NoDashboard extends Error {
  override name = 'NoDashboard'
}

/** Its Protobuf messages come as JSON, in which 64-bit numbers are strings. */
const count = z.union([z.number(), z.string().regex(/^\d+$/)]).transform(Number)
const failure = z.object({ error: z.union([z.string(), z.object({ error: z.string() })]) })
const statSummary = z.object({
  ok: z.object({
    statTables: z
      .array(
        z.object({
          podGroup: z.object({
            rows: z
              .array(
                z.object({
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
              .nullish(),
          }),
        }),
      )
      .nullish(),
  }),
})
const edgeList = z.object({
  ok: z.object({
    edges: z.array(z.object({ src: z.object({ name: z.string() }), dst: z.object({ name: z.string() }) })).nullish(),
  }),
})
const standIn = z.object({ standIn: z.string() })

/** Undefined while it shows no request. Throws `NoDashboard`, or with what it answered instead. */
export async function statsOfPod(
  get: HTTPGet,
  { namespace, pod }: VizPod,
  deadline: Deadline,
): Promise<VizStats | undefined> {
  const query = new URLSearchParams({ resource_type: 'pod', resource_name: pod, namespace, window: '1m' })
  const { ok } = read(await get(`/api/tps-reports?${query.toString()}`, deadline), statSummary)
  const stats = ok.statTables?.[0]?.podGroup.rows?.[0]?.stats
  if (!stats || stats.successCount + stats.failureCount === 0) return undefined
  return {
    succeeded: stats.successCount,
    failed: stats.failureCount,
    p50: stats.latencyMsP50,
    p95: stats.latencyMsP95,
    p99: stats.latencyMsP99,
  }
}

/** Which pods of a namespace talk to each other now, by their names. */
export async function edgesIn(get: HTTPGet, namespace: string, deadline: Deadline): Promise<VizEdge[]> {
  const query = new URLSearchParams({ resource_type: 'pod', namespace })
  const { ok } = read(await get(`/api/edges?${query.toString()}`, deadline), edgeList)
  return (ok.edges ?? []).map(({ src, dst }) => ({ from: src.name, to: dst.name }))
}

function read<T>({ status, text }: Answer, schema: z.ZodType<T>): T {
  const body = parseJSON(text)
  const played = standIn.safeParse(body)
  if (played.success) throw new NoDashboard(`${played.data.standIn} is played by a stand-in without its interface`)
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const failed = failure.safeParse(body)
  const said = failed.success ? errorIn(failed.data) : text.slice(0, 200)
  throw new Error(`the dashboard of Linkerd Viz answered ${status}: ${said}`)
}
const errorIn = ({ error }: z.infer<typeof failure>) => (typeof error === 'string' ? error : error.error)

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

const mostPerSecond = 100

/**
 * Taps the requests to a pod, over a connection to the dashboard, until `isEnough` or the deadline ends it. Throws
 * `NoDashboard`, or with the reason for which the dashboard closed it.
 */
export function tapPod(
  stream: Duplex,
  { namespace, pod }: VizPod,
  onEvent: (event: TapEvent) => 'more' | 'enough',
  { signal }: Deadline,
): Promise<void> {
  const socket = new WebSocket('ws://localhost/api/tap', { createConnection: () => stream })
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
          read({ status: response.statusCode ?? 0, text }, z.never())
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
