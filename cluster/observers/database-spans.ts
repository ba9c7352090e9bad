import pLimit from 'p-limit'
import { searchTraces, servicesIn } from '../clients/jaeger.ts'
import type { Observer } from '../observe.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

const atOnce = 4
/** By what a span says that it is a call to PostgreSQL: the words of OpenTelemetry, older and newer, and the port. */
const tags: readonly Record<string, string>[] = [
  { 'db.system': 'postgresql' },
  { 'db.system.name': 'postgresql' },
  { 'server.port': '5432' },
  { 'net.peer.port': '5432' },
]

/** Asks Jaeger for spans of calls to PostgreSQL, service by service. */
export const observeDatabaseSpans: Observer = async (observing) => {
  const get = endpointOnInfra(observing, 'jaegerQuery')
  const services = await servicesIn(get, observing.deadline)
  const limit = pLimit(atOnce)
  const found = await Promise.all(
    services.flatMap((service) =>
      tags.map((wanted) => limit(() => searchTraces(get, service, wanted, observing.deadline))),
    ),
  )
  const calls = found
    .flat()
    .filter((span) => tags.some((wanted) => Object.entries(wanted).every(([key, value]) => span.tags[key] === value)))
  return [...new Map(calls.map((span) => [span.id, span])).values()].map(({ id, service, name, tags: all }) => {
    const namespace = all['k8s.namespace.name'] ?? all['linkerd.io/workload-ns']
    return { metadata: { name: id }, service, operation: name, ...(namespace === undefined ? {} : { namespace }) }
  })
}
