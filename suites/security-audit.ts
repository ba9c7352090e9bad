import { check } from '../check/check.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { pods } from '../cluster/kinds/core.ts'
import type { OwnTrace } from '../cluster/kinds/telemetry.ts'
import { ownTrace } from '../cluster/kinds/telemetry.ts'
import type { ClusterName, Figures } from '../platform/platform.ts'
import { isImage } from './images.ts'
import { isRunning, unlessOneIsEmpty } from './objects.ts'

/** A part of an audit log: what is wrong with it, and whether the document's dispute speaks of that. */
type Part = { cluster: ClusterName; subject: string; fault: string | undefined; known: boolean }

/** A record has to be there of a request that did not ask for one, too. Only a Jaeger that has the sampled one can lack the other. */
function requestsOnRecord(traces: readonly OwnTrace[]): Part[] {
  if (!traces.some(({ sampled, state }) => sampled && state === 'complete')) return []
  return traces
    .filter(({ state }) => state === 'complete' || state === 'none')
    .map(({ metadata, traceId, spans, sampled }) => ({
      cluster: 'apps',
      subject: `${metadata.name} ${traceId}`,
      fault: spans.length > 0 ? undefined : 'left no span',
      known: !sampled,
    }))
}

/** Where Jaeger loses its traces with its pod. */
const volatile = ['memory', 'badger']
const storeVariable = 'SPAN_STORAGE_TYPE'

function stores(all: readonly Pod[], { components }: Figures): Part[] {
  const images = components.find(({ id }) => id === 'jaeger')?.images ?? []
  return all.filter(isRunning).flatMap(({ metadata, spec }): Part[] => {
    const own = spec.containers.find(({ image }) => images.some((known) => isImage(image, known)))
    if (!own) return []
    // Jaeger 1 keeps them in memory unless it is told otherwise; where Jaeger 2 does, its file says.
    const told = own.env.find(({ name }) => name === storeVariable)?.value
    const store = told ?? (isImage(own.image, 'jaegertracing/jaeger') ? undefined : 'memory')
    const subject = `Pod ${metadata.namespace}/${metadata.name}`
    if (store === undefined)
      return [{ cluster: 'infra', subject, fault: 'does not say where it keeps traces', known: false }]
    const fault = volatile.includes(store) ? `keeps traces in ${store}, which goes with the pod` : undefined
    return [{ cluster: 'infra', subject, fault, known: store === 'memory' }]
  })
}

export const requestsAreOnRecord = check({
  claim: 'SEC-10',
  on: 'across',
  fact: 'every request leaves a record in Jaeger, and the records outlive its pod',
  reads: { traces: ownTrace, pods },
  population: 'own requests from apps, and pods of Jaeger',
  atLeast: 3,
  because: 'one request that is sampled, one that is not, and Jaeger',
  expected: 'a span of the request; a store of its own, such as a database',
  subjects: ({ infra, apps }, { figures }): readonly Part[] => {
    const [requests, kept] = [requestsOnRecord(apps.traces), stores(infra.pods, figures)]
    return unlessOneIsEmpty([requests, kept], [...requests, ...kept])
  },
  name: ({ cluster, subject }) => ({ cluster, subject }),
  holds: ({ fault }) => fault ?? true,
  disputed: ({ known }) => known,
})
