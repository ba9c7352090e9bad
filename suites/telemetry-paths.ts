import { check } from '../check/check.ts'
import { pods, services } from '../cluster/kinds/core.ts'
import type { Container, Pod } from '../cluster/kinds/core.ts'
import type { OwnTrace, TracedLine, TracedSpan } from '../cluster/kinds/telemetry.ts'
import { databaseSpans, ownSpans, ownTrace, tracedLines } from '../cluster/kinds/telemetry.ts'
import type { ClusterName } from '../platform/platform.ts'
import { allContainers, isRunning } from './objects.ts'

const addressVariable = 'LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR'
/** OpenTelemetry's own images, and those that vendors make of it. */
const collectorImage = /(^|\/)(opentelemetry-collector|otelcol|otel-collector)[\w-]*[:@]/

const proxyOf = (pod: Pod): Container | undefined => allContainers(pod).find(({ name }) => name === 'linkerd-proxy')
/** The injector wrote what the proxy is to do; proxies of the control plane came with the chart, and do not trace. */
const isInjected = (pod: Pod) =>
  isRunning(pod) &&
  proxyOf(pod) !== undefined &&
  (pod.metadata.annotations['linkerd.io/created-by'] ?? '').startsWith('linkerd/proxy-injector')

const hasLabels = ({ metadata }: Pod, wanted: Record<string, string>) =>
  Object.entries(wanted).every(([key, value]) => metadata.labels[key] === value)

export const proxiesNameCollector = check({
  claim: 'OBS-37',
  fact: 'every injected proxy is told to send its spans to an OpenTelemetry collector of its own cluster',
  reads: { pods, services },
  population: 'running pods with an injected proxy',
  atLeast: 3,
  because: 'the extensions of the mesh alone have more',
  expected: `${addressVariable} with a Service whose pods run a collector`,
  subjects: (read) => read.pods.filter(isInjected),
  holds: (pod, _, read) => {
    const address = proxyOf(pod)?.env.find(({ name }) => name === addressVariable)?.value
    if (address === undefined || address === '') return 'has a proxy that sends no spans'
    const [name, namespace] = address.split(':')[0]?.split('.') ?? []
    const service = read.services.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === (namespace ?? pod.metadata.namespace),
    )
    if (!service) return `has a proxy that sends its spans to ${address}, which is no Service`
    const { selector } = service.spec
    const behind =
      Object.keys(selector).length === 0
        ? []
        : read.pods.filter(
            (other) =>
              isRunning(other) && other.metadata.namespace === service.metadata.namespace && hasLabels(other, selector),
          )
    if (behind.length === 0) return `has a proxy that sends its spans to ${address}, where no pod runs`
    const images = behind.flatMap((other) => allContainers(other).map(({ image }) => image))
    return (
      images.some((image) => collectorImage.test(image)) ||
      `has a proxy that sends its spans straight to ${address}, which is no collector`
    )
  },
  disputed: true,
})

type Traces = Record<ClusterName, { traces: OwnTrace[]; own: { state: string }[] }>

/** Jaeger has to give back spans of our own first: only then can it be said not to have others. */
const keepsSpans = ({ infra }: Traces) => infra.own.some(({ state }) => state === 'complete')
const sampledTraces = ({ apps }: Traces) => apps.traces.filter(({ sampled, state }) => sampled && state !== 'failed')
const from = (spans: readonly TracedSpan[], cluster: ClusterName) => spans.filter((span) => span.cluster === cluster)

export const spansPassCollectors = check({
  claim: 'OBS-37',
  on: 'across',
  fact: 'what proxies of both clusters send to their collectors arrives in Jaeger on infra',
  reads: { traces: ownTrace, own: ownSpans },
  population: 'clusters whose proxies took part in a sampled request',
  atLeast: 2,
  expected: 'a span of a proxy of that cluster',
  subjects: (read) =>
    keepsSpans(read)
      ? sampledTraces(read).flatMap(({ spans, detail, state }) =>
          (['apps', 'infra'] as const)
            .map((cluster) => ({ cluster, spans: from(spans, cluster), detail }))
            // What a trace that still grows does not have yet may be on its way.
            .filter((part) => part.spans.length > 0 || state === 'complete' || state === 'none'),
        )
      : [],
  name: ({ cluster }) => ({ cluster, subject: `proxies of ${cluster}`, look: '-n observability get pods,services' }),
  holds: ({ spans, detail }) => spans.length > 0 || `left no span in Jaeger: ${detail}`,
  disputed: true,
})

/** The proxies that a request from apps to infra has to pass, each with spans of its own. */
const hops = [
  { what: 'the proxy of its sender on apps', cluster: 'apps', direction: 'outbound' },
  { what: 'a proxy that took it on infra', cluster: 'infra', direction: 'inbound' },
] as const

export const tracingIsValidated = check({
  claim: 'OBS-38',
  on: 'across',
  fact: 'the trace of a request from apps to infra is whole: every hop has a span, and all of them one beginning',
  reads: { traces: ownTrace, own: ownSpans },
  population: 'complete traces of sampled requests from apps to infra',
  atLeast: 1,
  because: 'a span that is missing may be on its way',
  expected: 'a span of each hop, each with its parent in the trace or in the request itself',
  subjects: (read) => (keepsSpans(read) ? sampledTraces(read).filter(({ state }) => state === 'complete') : []),
  name: ({ metadata, traceId }) => ({ cluster: 'apps', subject: `${metadata.name} ${traceId}` }),
  holds: ({ spans, sentAs }) => {
    const missing = hops.filter(
      ({ cluster, direction }) => !from(spans, cluster).some((span) => span.direction === direction),
    )
    if (missing.length > 0) return `has no span of ${missing.map(({ what }) => what).join(', none of ')}`
    const known = new Set([sentAs, ...spans.map(({ id }) => id)])
    const loose = spans.filter(({ parent }) => parent === undefined || !known.has(parent))
    return loose.length === 0 || `has ${loose.length} of ${spans.length} spans that hang below no other`
  },
})

export const databaseCallsAreTraced = check({
  claim: 'OBS-34',
  on: 'across',
  fact: 'Jaeger has spans of calls of GitLab to PostgreSQL',
  reads: { spans: databaseSpans, own: ownSpans },
  population: 'callers of PostgreSQL that have to be seen, in a Jaeger that keeps spans',
  atLeast: 1,
  expected: 'a span of the last hour that names PostgreSQL or its port, made by GitLab',
  subjects: ({ infra }, { names }) =>
    infra.own.some(({ state }) => state === 'complete') ? [names.namespaces.gitlab.name] : [],
  name: (namespace) => ({ cluster: 'apps', subject: namespace }),
  holds: (namespace, _, { infra }) => {
    const isOfGitLab = (span: { service: string; namespace?: string | undefined }) =>
      span.namespace === namespace || span.service.toLowerCase().startsWith(namespace)
    const others = [...new Set(infra.spans.map(({ service }) => service))]
    return (
      infra.spans.some(isOfGitLab) ||
      `has no span of a call to PostgreSQL; ${others.length === 0 ? 'nobody has' : `only ${others.join(', ')} have`}`
    )
  },
  disputed: true,
})

const nameOfLine = ({ metadata, traceId }: TracedLine) => ({ subject: `${metadata.name} ${traceId}` })

export const linesAreFoundByTrace = check({
  claim: 'OBS-23',
  fact: 'what a pod logs about a traced request is found in the log store by the id under which Jaeger has its trace',
  reads: { lines: tracedLines },
  population: 'traced requests whose target logs their trace id',
  atLeast: 1,
  expected: 'an entry of the pod that answered, and a span of its proxy in the trace of that id',
  subjects: ({ lines }) => lines.filter(({ trace }) => trace.state !== 'failed'),
  name: nameOfLine,
  holds: ({ entry, pod, trace, waitedMs }, { cluster, names }) => {
    if (!entry) return `has no entry in the log store after ${Math.round(waitedMs / 1_000)} s`
    const found = entry['kubernetes.pod_name'] ?? 'no pod'
    if (found !== pod) return `has an entry of ${found}, but was answered by ${pod}`
    const { key } = names.labels.cluster
    if (entry[key] !== cluster) return `has an entry with ${key} ${entry[key] ?? 'missing'}`
    return trace.pods.includes(pod) || `has no span of ${pod} in Jaeger: ${trace.detail}`
  },
  compare: () => [
    {
      name: 'who writes the trace id into the log',
      unit: '',
      documented: 'Linkerd',
      observed: 'the application: here a probe of our own, so that other applications may not do it',
    },
  ],
  disputed: true,
})
