import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { pollTrace } from '../clients/jaeger.ts'
import type { LogEntry } from '../clients/logs.ts'
import { queryLogs } from '../clients/logs.ts'
import type { HTTPGet } from '../http-forward.ts'
import type { Observer } from '../observe.ts'
import { probePort } from '../probes/objects.ts'
import { newContext, podOwners, tracedSpan } from './own-trace.ts'
import { requestFrom } from './probe-http.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

const patienceMs = 40_000
const pauseMs = 1_500

/**
 * Sends a traced request from one meshed probe to another, which writes the trace id into its log, as an instrumented
 * application would: then looks for the trace in Jaeger, and by nothing but its id for the line in the log store.
 */
export const observeTracedLines: Observer = async (observing) => {
  const { here, sites, deadline, probes } = observing
  const [client, server] = (probes?.on[here.cluster].pods ?? []).filter(({ role }) => role === 'meshed')
  if (!client || !server) throw new Error('needs two meshed probes')
  const { header, traceId } = newContext(true)
  const { status, text } = await requestFrom(
    here.connection,
    client.name,
    {
      host: server.address,
      port: probePort,
      path: `/echo?msg=trace_id=${traceId}`,
      headers: { traceparent: header },
    },
    deadline,
  )
  if (status !== 200) throw new Error(`${server.name} answered ${status} to ${client.name}: ${text.slice(0, 80)}`)
  const patience = deadlineIn(Math.min(patienceMs, deadline.remainingMs() - pauseMs), deadline.signal)
  const [owners, line, polled] = await Promise.all([
    podOwners(sites, deadline),
    lineWith(traceId, endpointOnInfra(observing, 'logs'), patience, deadline),
    pollTrace(endpointOnInfra(observing, 'jaegerQuery'), traceId, {
      missing: (spans) => (spans.length > 0 ? undefined : 'none of them was looked for'),
      deadline: patience,
    }),
  ])
  const pods = polled.spans.flatMap((span) => tracedSpan(span, owners).pod ?? [])
  return [
    {
      metadata: { name: 'traced-request' },
      traceId,
      pod: server.name,
      ...line,
      trace: { state: polled.state, detail: polled.detail, pods: [...new Set(pods)] },
    },
  ]
}

async function lineWith(
  traceId: string,
  get: HTTPGet,
  patience: Deadline,
  deadline: Deadline,
): Promise<{ waitedMs: number; entry?: LogEntry }> {
  const began = performance.now()
  const waitedMs = () => Math.round(performance.now() - began)
  // The text is in `log` where the collector does not say which field holds it.
  const query = `_time:10m (_msg:"${traceId}" or log:"${traceId}")`
  while (patience.remainingMs() > pauseMs) {
    // oxlint-disable-next-line no-await-in-loop -- until it has arrived
    const [entry] = await queryLogs(get, query, 10, deadline)
    if (entry) return { waitedMs: waitedMs(), entry }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
  return { waitedMs: waitedMs() }
}
