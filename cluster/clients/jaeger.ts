import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { HTTPGet } from '../http-forward.ts'
import { parseJSON } from '../json.ts'

/** A span, in whichever form Jaeger gave it. `tags` are those of the span and of the process that made it. */
export type Span = {
  id: string
  parent?: string
  service: string
  name: string
  /** Microseconds since 1970. */
  start: number
  durationUs: number
  tags: Record<string, string>
}

export type TraceAnswer =
  | { state: 'found'; spans: Span[] }
  /** Jaeger knows no such trace, or not yet. */
  | { state: 'none' }
  | { state: 'refused'; reason: string }
  | { state: 'unreachable'; reason: string }

const plain = z.union([z.string(), z.number(), z.boolean()])
const tags = z.array(z.object({ key: z.string(), value: plain }))
const legacyTrace = z.object({
  data: z
    .array(
      z.object({
        spans: z.array(
          z.object({
            spanID: z.string(),
            operationName: z.string(),
            references: z.array(z.object({ refType: z.string(), spanID: z.string() })).nullish(),
            startTime: z.number(),
            duration: z.number(),
            tags: tags.nullish(),
            processID: z.string(),
          }),
        ),
        processes: z.record(z.string(), z.object({ serviceName: z.string(), tags: tags.nullish() })),
      }),
    )
    .min(1),
})
const legacyMissing = z.object({ errors: z.array(z.object({ code: z.literal(404) })).min(1) })

const attributes = z
  .array(
    z.object({
      key: z.string(),
      value: z.object({ stringValue: z.string(), intValue: plain, boolValue: z.boolean() }).partial(),
    }),
  )
  .nullish()
const otlpTrace = z.object({
  result: z.object({
    resourceSpans: z
      .array(
        z.object({
          resource: z.object({ attributes }).optional(),
          scopeSpans: z.array(
            z.object({
              spans: z.array(
                z.object({
                  spanId: z.string(),
                  parentSpanId: z.string().optional(),
                  name: z.string(),
                  startTimeUnixNano: z.string(),
                  endTimeUnixNano: z.string(),
                  attributes,
                }),
              ),
            }),
          ),
        }),
      )
      .min(1),
  }),
})
const otlpMissing = z.object({ error: z.object({ httpCode: z.literal(404) }) })

/** Asks Jaeger for a trace by its id, by the API of Jaeger 1, and where that is gone by the one that Jaeger 2 keeps. Never throws. */
export async function getTrace(get: HTTPGet, id: string, deadline: Deadline): Promise<TraceAnswer> {
  try {
    const old = await get(`/api/traces/${id}`, deadline)
    const body = parseJSON(old.text)
    const trace = legacyTrace.safeParse(body)
    if (old.status === 200 && trace.success) return { state: 'found', spans: trace.data.data.flatMap(legacySpans) }
    if (old.status === 404 && legacyMissing.safeParse(body).success) return { state: 'none' }
    if (old.status !== 404) return { state: 'refused', reason: unexpected(old) }
    const next = await get(`/api/v3/traces/${id}`, deadline)
    const nextBody = parseJSON(next.text)
    const otlp = otlpTrace.safeParse(nextBody)
    if (next.status === 200 && otlp.success) return { state: 'found', spans: otlpSpans(otlp.data) }
    if (next.status === 404 && otlpMissing.safeParse(nextBody).success) return { state: 'none' }
    return { state: 'refused', reason: unexpected(next) }
  } catch (error) {
    return { state: 'unreachable', reason: messageOf(error) }
  }
}

const unexpected = ({ status, text }: { status: number; text: string }) =>
  status === 200
    ? `Jaeger answered with something that is no trace: ${text.slice(0, 120)}`
    : `Jaeger answered ${status}: ${text.slice(0, 120)}`

function legacySpans({ spans, processes }: z.infer<typeof legacyTrace>['data'][number]): Span[] {
  return spans.map(({ spanID, operationName, references, startTime, duration, tags: own, processID }) => {
    const process = processes[processID]
    const parent = references?.find(({ refType }) => refType === 'CHILD_OF')?.spanID
    return {
      id: spanID,
      ...(parent === undefined ? {} : { parent }),
      service: process?.serviceName ?? '',
      name: operationName,
      start: startTime,
      durationUs: duration,
      tags: Object.fromEntries(
        [...(process?.tags ?? []), ...(own ?? [])].map(({ key, value }) => [key, String(value)]),
      ),
    }
  })
}

function otlpSpans({ result: { resourceSpans } }: z.infer<typeof otlpTrace>): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const process = textOf(resource?.attributes)
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ spanId, parentSpanId = '', name, startTimeUnixNano, endTimeUnixNano, attributes: own }) => ({
        id: spanId,
        ...(parentSpanId === '' ? {} : { parent: parentSpanId }),
        service: process['service.name'] ?? '',
        name,
        start: Number(BigInt(startTimeUnixNano) / 1_000n),
        durationUs: Number((BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000n),
        tags: { ...process, ...textOf(own) },
      }))
  })
}

const textOf = (from: z.infer<typeof attributes>): Record<string, string> =>
  Object.fromEntries(
    (from ?? []).map(({ key, value }) => [key, String(value.stringValue ?? value.intValue ?? value.boolValue ?? '')]),
  )

/** What became of a trace. `complete` alone may be judged as a whole: a span that is missing may be on its way. */
export type PolledTrace = {
  state: 'complete' | 'partial' | 'unstable' | 'none' | 'failed'
  spans: Span[]
  detail: string
}

type Polling = {
  /** What is still missing of the trace, or undefined when everything that is expected is there. */
  missing: (spans: readonly Span[]) => string | undefined
  deadline: Deadline
  pauseMs?: number
}

/** Asks for a trace until everything expected is there and its spans did not get more between two answers. */
export async function pollTrace(
  get: HTTPGet,
  id: string,
  { missing, deadline, pauseMs = 2_000 }: Polling,
): Promise<PolledTrace> {
  let last: TraceAnswer = { state: 'none' }
  let seen: number | undefined
  while (deadline.remainingMs() > pauseMs) {
    // oxlint-disable-next-line no-await-in-loop -- each answer is compared with the one before
    const answer = await getTrace(get, id, deadline)
    if (answer.state === 'found' && missing(answer.spans) === undefined) {
      if (seen === answer.spans.length)
        return { state: 'complete', spans: answer.spans, detail: `${seen} spans, twice the same` }
      seen = answer.spans.length
    }
    // An answer that was cut short by the deadline tells less than the one before.
    if (!(answer.state === 'unreachable' && deadline.signal.aborted)) last = answer
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal }).catch(() => {})
  }
  return unfinished(last, missing)
}

function unfinished(last: TraceAnswer, missing: Polling['missing']): PolledTrace {
  if (last.state === 'none') return { state: 'none', spans: [], detail: 'Jaeger has no span of it' }
  if (last.state !== 'found') return { state: 'failed', spans: [], detail: last.reason }
  const { spans } = last
  const lacking = missing(spans)
  return lacking === undefined
    ? { state: 'unstable', spans, detail: `there were still more spans coming: ${spans.length} at last` }
    : { state: 'partial', spans, detail: `${spans.length} spans, but ${lacking}` }
}

const serviceNames = z.object({ data: z.array(z.string()).nullable() })
const traces = z.object({ data: z.array(legacyTrace.shape.data.element).nullable() })

/** The services that Jaeger has spans of. Throws when it does not tell. */
export async function servicesIn(get: HTTPGet, deadline: Deadline): Promise<string[]> {
  const answer = await get('/api/services', deadline)
  const parsed = serviceNames.safeParse(parseJSON(answer.text))
  if (answer.status !== 200 || !parsed.success) throw new Error(unexpected(answer))
  return parsed.data.data ?? []
}

/** The spans of the last hour's traces of a service in which a span has these tags. Throws when Jaeger cannot be asked so. */
export async function searchTraces(
  get: HTTPGet,
  service: string,
  wanted: Record<string, string>,
  deadline: Deadline,
): Promise<Span[]> {
  const query = new URLSearchParams({ service, tags: JSON.stringify(wanted), lookback: '1h', limit: '20' })
  const answer = await get(`/api/traces?${query.toString()}`, deadline)
  const parsed = traces.safeParse(parseJSON(answer.text))
  if (answer.status !== 200 || !parsed.success) throw new Error(unexpected(answer))
  return (parsed.data.data ?? []).flatMap(legacySpans)
}

export type Edge = { parent: string; child: string; callCount: number }
const dependencies = z.object({
  data: z.array(z.object({ parent: z.string(), child: z.string(), callCount: z.number() })).nullable(),
})

/** The map of which service calls which, over the last hour. Throws when Jaeger does not give one. */
export async function getDependencies(get: HTTPGet, now: number, deadline: Deadline): Promise<Edge[]> {
  const query = new URLSearchParams({ endTs: String(now), lookback: '3600000' })
  const answer = await get(`/api/dependencies?${query.toString()}`, deadline)
  const parsed = dependencies.safeParse(parseJSON(answer.text))
  if (answer.status !== 200 || !parsed.success) throw new Error(unexpected(answer))
  return parsed.data.data ?? []
}
