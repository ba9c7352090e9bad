import { randomBytes } from 'node:crypto'
import { namespaceOf } from '../../platform/platform.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { getDependencies, pollTrace } from '../clients/jaeger.ts'
import type { Observer } from '../observe.ts'
import { newContext } from './own-trace.ts'
import { requestFrom } from './probe-http.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

const otlpPort = 4318
const reserveMs = 5_000
/** The same in every run, so that the map of services does not grow. */
const caller = 'conformance-caller'
const callee = 'conformance-callee'

/** Sends a call between two services that do not exist, by OTLP over HTTP from a meshed probe, and reads back what Jaeger made of it. */
export const observeOwnSpans: Observer = async (observing) => {
  const { here, names, deadline, probes } = observing
  const client = probes?.on[here.cluster].pods.find(({ role }) => role === 'meshed')?.name
  if (client === undefined) throw new Error('no meshed probe got ready')
  const { name, namespace = 'jaeger', ports } = names.services.jaegerCollector
  const { traceId, sentAs } = newContext(true)
  const host = `${name}.${namespaceOf(names, namespace)}.svc.${names.network.clusterDomain.name}`
  const { status, text } = await requestFrom(
    here.connection,
    client,
    {
      host,
      port: ports?.['otlp-http'] ?? otlpPort,
      path: '/v1/traces',
      body: JSON.stringify(exportRequest(traceId, sentAs, Date.now())),
    },
    deadline,
  )
  if (status !== 200) throw new Error(`${host} answered ${status} to spans by OTLP: ${text.slice(0, 120)}`)
  const get = endpointOnInfra(observing, 'jaegerQuery')
  const polled = await pollTrace(get, traceId, {
    missing: (spans) => (spans.length >= 2 ? undefined : `${spans.length} of 2 that were sent`),
    deadline: deadlineIn(deadline.remainingMs() - reserveMs, deadline.signal),
  })
  const edges = await getDependencies(get, Date.now(), deadline)
  return [{ metadata: { name: 'synthetic-spans' }, caller, callee, ...polled, edges }]
}

/** An `ExportTraceServiceRequest`: a client's span of one service, and below it a server's of another. */
export function exportRequest(traceId: string, rootId: string, nowMs: number) {
  const nanoseconds = (ms: number) => String(BigInt(ms) * 1_000_000n)
  const resourceSpans = (service: string, span: Record<string, unknown>, fromMs: number, toMs: number) => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
    scopeSpans: [
      {
        spans: [
          {
            traceId,
            name: 'conformance',
            startTimeUnixNano: nanoseconds(fromMs),
            endTimeUnixNano: nanoseconds(toMs),
            ...span,
          },
        ],
      },
    ],
  })
  const childId = randomBytes(8).toString('hex')
  return {
    resourceSpans: [
      resourceSpans(caller, { spanId: rootId, kind: 3 }, nowMs - 20, nowMs),
      resourceSpans(callee, { spanId: childId, parentSpanId: rootId, kind: 2 }, nowMs - 15, nowMs - 5),
    ],
  }
}
