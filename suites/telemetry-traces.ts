import { check } from '../check/check.ts'
import type { OwnTrace, TracedSpan } from '../cluster/kinds/telemetry.ts'
import { ownSpans, ownTrace } from '../cluster/kinds/telemetry.ts'
import type { ClusterName } from '../platform/platform.ts'

type Trace = OwnTrace
const isSampled = ({ sampled }: Trace) => sampled
const nameOfTrace = ({ metadata, traceId }: Trace) => ({
  cluster: 'apps' as const,
  subject: `${metadata.name} ${traceId}`,
})
const from = (spans: readonly TracedSpan[], cluster: ClusterName) => spans.filter((span) => span.cluster === cluster)

/** Jaeger is asked with spans of our own first: only one that gives those back can be said not to have others. */
const keepsSpans = (own: readonly { state: string }[]) => own.some(({ state }) => state === 'complete')

export const jaegerTakesSpans = check({
  claim: 'OBS-30',
  on: 'infra',
  fact: 'Jaeger accepts spans by OTLP and gives them back',
  reads: { own: ownSpans },
  population: 'traces that were sent by OTLP over HTTP',
  atLeast: 1,
  expected: 'both spans, the second one below the first',
  subjects: ({ own }) => own.filter(({ state }) => state === 'complete' || state === 'none'),
  name: ({ metadata }) => ({ subject: metadata.name }),
  holds: ({ state, spans, caller, callee }) => {
    if (state === 'none') return 'were accepted, but Jaeger has none of them'
    const root = spans.find(({ service }) => service === caller)
    const below = spans.find(({ service }) => service === callee)
    if (!root || !below) return `came back as spans of ${spans.map(({ service }) => service).join(', ')}`
    return below.parent === root.id || `came back with ${below.parent ?? 'nothing'} above the second, not ${root.id}`
  },
})

export const dependencyMap = check({
  claim: 'OBS-35',
  on: 'infra',
  fact: 'the dependency map of Jaeger has the call that was just traced',
  reads: { own: ownSpans },
  population: 'calls between services that Jaeger has spans of',
  atLeast: 1,
  expected: 'an edge from the caller to the callee',
  subjects: ({ own }) => own.filter(({ state }) => state === 'complete'),
  name: ({ caller, callee }) => ({ subject: `call of ${callee} by ${caller}` }),
  holds: ({ caller, callee, edges }) =>
    edges.some(({ parent, child }) => parent === caller && child === callee) ||
    `is not on the map, which has ${edges.length === 0 ? 'no edge' : edges.map(({ parent, child }) => `${parent} to ${child}`).join(', ')}`,
})

export const proxiesSendTraces = check({
  claim: 'OBS-31',
  on: 'across',
  fact: 'a proxy on apps sends spans of a sampled request to Jaeger on infra',
  reads: { traces: ownTrace, own: ownSpans },
  population: 'sampled requests from apps, looked for in a Jaeger that keeps spans',
  atLeast: 1,
  expected: 'a span of the proxy of the pod that sent it',
  // What is there is there, also in a trace that grows; that nothing is there counts only where spans are kept.
  subjects: ({ infra, apps }) =>
    keepsSpans(infra.own) ? apps.traces.filter((trace) => isSampled(trace) && trace.state !== 'failed') : [],
  name: nameOfTrace,
  holds: ({ spans, detail }) => from(spans, 'apps').length > 0 || `left no span of a proxy on apps: ${detail}`,
  disputed: true,
})

export const oneTraceAcrossClusters = check({
  claim: 'OBS-33',
  on: 'across',
  fact: 'one trace follows a request from a proxy on apps to one on infra',
  reads: { traces: ownTrace },
  population: 'complete traces of sampled requests from apps to infra',
  atLeast: 1,
  because: 'a span that is missing may be on its way',
  expected: 'a span on infra that descends from one on apps',
  subjects: ({ apps }) => apps.traces.filter((trace) => isSampled(trace) && trace.state === 'complete'),
  name: nameOfTrace,
  holds: ({ spans }) => {
    const byId = new Map(spans.map((span) => [span.id, span]))
    const isBelowApps = (span: TracedSpan): boolean => above(span, byId).some(({ cluster }) => cluster === 'apps')
    if (from(spans, 'apps').length === 0) return 'has no span of apps'
    const onInfra = from(spans, 'infra')
    if (onInfra.length === 0) return 'has no span of infra'
    const broken = onInfra.filter((span) => !isBelowApps(span))
    return (
      broken.length === 0 || `has ${broken.length} of ${onInfra.length} spans of infra that hang below none of apps`
    )
  },
  compare: ({ apps }) =>
    apps.traces.filter(isSampled).map(({ spans, state, detail }) => ({
      name: 'spans of the request',
      unit: '',
      documented: 'of both clusters',
      observed: `${from(spans, 'apps').length} of apps, ${from(spans, 'infra').length} of infra (${state}: ${detail})`,
    })),
})

/** The spans above one, nearest first; a circle ends where it closes. */
function above(span: TracedSpan, byId: ReadonlyMap<string, TracedSpan>): TracedSpan[] {
  const seen: TracedSpan[] = []
  let next = byId.get(span.parent ?? '')
  while (next && !seen.includes(next)) {
    seen.push(next)
    next = byId.get(next.parent ?? '')
  }
  return seen
}

export const contextIsPropagated = check({
  claim: 'OBS-32',
  on: 'apps',
  fact: 'proxies carry on the trace context of a request, and trace only what asks for it',
  reads: { traces: ownTrace },
  population: 'requests with a W3C trace context',
  atLeast: 2,
  because: 'one that is sampled, and one that is not',
  expected: 'spans below the span that the request came from; none for the one that is not sampled',
  subjects: ({ traces }) =>
    // Not to find the other one means something only once the sampled one was found.
    traces.some((trace) => isSampled(trace) && trace.state === 'complete')
      ? traces.filter(({ state }) => state === 'complete' || state === 'none')
      : [],
  name: nameOfTrace,
  holds: ({ sampled, sentAs, spans }) => {
    if (!sampled) return spans.length === 0 || `was traced all the same: ${spans.length} spans`
    const ids = new Set([sentAs, ...spans.map(({ id }) => id)])
    if (!spans.some(({ parent }) => parent === sentAs)) return `has no span below ${sentAs}, from which it came`
    const lost = spans.filter(({ parent }) => parent === undefined || !ids.has(parent))
    return lost.length === 0 || `has ${lost.length} of ${spans.length} spans that hang below no other`
  },
  compare: () => [
    {
      name: 'who carries the context from an inbound to an outbound request',
      unit: '',
      documented: 'automatic',
      observed: 'the application, by copying its headers: not part of this observation',
    },
  ],
})

/** Clocks of nodes may be apart by as much as NTP leaves; what one span takes is measured by one clock. */
const skewMs = 500
/** A proxy ends its span when it is done with a request, which on a busy node is after its client read the answer. */
const jitterMs = 50

export const spansShowSlowHop = check({
  claim: 'OBS-36',
  on: 'apps',
  fact: 'the spans of a request say how long each hop took, one within the other',
  reads: { traces: ownTrace },
  population: 'spans below another one in the complete trace of a request',
  atLeast: 2,
  because: 'a request across clusters passes two proxies at least',
  expected: `no longer than the span above it, and within it by clocks that are at most ${skewMs} ms apart`,
  subjects: ({ traces }) =>
    traces
      .filter((trace) => isSampled(trace) && trace.state === 'complete')
      .flatMap(({ spans }) =>
        spans.flatMap((span) => {
          const parent = spans.find(({ id }) => id === span.parent)
          return parent ? [{ span, parent }] : []
        }),
      ),
  name: ({ span }) => ({
    subject:
      `${span.direction ?? ''} span of ${span.pod ?? span.service} on ${span.cluster ?? 'an unknown cluster'}`.trim(),
  }),
  holds: ({ span, parent }) => {
    const longerMs = (span.durationUs - parent.durationUs) / 1_000
    if (longerMs > jitterMs) return `took ${longerMs.toFixed(1)} ms longer than the span above it`
    const earlyMs = (parent.start - span.start) / 1_000
    const lateMs = (span.start + span.durationUs - parent.start - parent.durationUs) / 1_000
    const outsideMs = Math.max(earlyMs, lateMs)
    return outsideMs <= skewMs || `lies ${outsideMs.toFixed(1)} ms outside the span above it`
  },
  compare: ({ traces }) =>
    traces.filter(isSampled).map(({ spans }) => ({
      name: 'hop with the longest time of its own',
      unit: '',
      documented: 'found automatically',
      observed: slowest(spans) ?? 'no spans',
    })),
})

function slowest(spans: readonly TracedSpan[]): string | undefined {
  const own = spans.map((span) => {
    const below = spans.filter(({ parent }) => parent === span.id).reduce((sum, { durationUs }) => sum + durationUs, 0)
    return { span, ms: Math.max(0, span.durationUs - below) / 1_000 }
  })
  const [first] = own.toSorted((a, b) => b.ms - a.ms)
  return first && `${first.span.pod ?? first.span.service}, ${first.ms.toFixed(1)} ms`
}
