import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { ClusterName } from '../../platform/platform.ts'
import type { Span } from '../clients/jaeger.ts'
import { getTrace, pollTrace } from '../clients/jaeger.ts'
import { parseJSON } from '../json.ts'
import { pods } from '../kinds/core.ts'
import type { TracedSpan } from '../kinds/telemetry.ts'
import type { Observer, Site } from '../observe.ts'
import { mirroredName, probeNamespace, probePort, serviceHost } from '../probes/objects.ts'
import { requestFrom } from './probe-http.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

/** The mirror of a Service that was made a moment ago may still be missing. */
const mirrorMs = 20_000
const pauseMs = 1_500
const reserveMs = 4_000

/** A trace context as W3C writes it, with ids that nobody else has. */
export const newContext = (isSampled: boolean) => {
  const traceId = randomBytes(16).toString('hex')
  const sentAs = randomBytes(8).toString('hex')
  return { traceId, sentAs, header: `00-${traceId}-${sentAs}-${isSampled ? '01' : '00'}` }
}

/**
 * Sends one request that asks to be traced and one that asks not to be, from a meshed probe of apps to one of infra, and
 * looks for both in Jaeger. A proxy traces no request by itself, so a trace that is found is ours.
 */
export const observeOwnTrace: Observer = async (observing) => {
  const { here, sites, names, deadline, probes } = observing
  if (!probes) throw new Error('needs probes')
  const client = probes.on[here.cluster].pods.find(({ role }) => role === 'meshed')?.name
  if (client === undefined) throw new Error('no meshed probe got ready')
  const host = serviceHost(mirroredName('meshed', 'infra'), names.network.clusterDomain.name)
  // The one that is not to be traced goes first: its spans, if there are any, are sent no later than those of the other.
  const [owners, unsampled] = await Promise.all([
    podOwners(sites, deadline),
    send(here, client, host, false, deadlineIn(mirrorMs, deadline.signal)),
  ])
  const sampled = await send(here, client, host, true, deadlineIn(mirrorMs, deadline.signal))
  const get = endpointOnInfra(observing, 'jaegerQuery')
  const traced = (spans: readonly Span[]) => spans.map((span) => tracedSpan(span, owners))
  const until = deadlineIn(deadline.remainingMs() - reserveMs, deadline.signal)
  const polled = await pollTrace(get, sampled.traceId, {
    missing: (spans) => missingHop(traced(spans)),
    deadline: until,
  })
  const other = await getTrace(get, unsampled.traceId, deadline)
  return [
    { metadata: { name: 'sampled-request' }, ...sampled, sampled: true, ...polled, spans: traced(polled.spans) },
    {
      metadata: { name: 'unsampled-request' },
      ...unsampled,
      sampled: false,
      ...(other.state === 'found'
        ? { state: 'complete', detail: `${other.spans.length} spans`, spans: traced(other.spans) }
        : {
            state: other.state === 'none' ? 'none' : 'failed',
            detail: 'reason' in other ? other.reason : 'Jaeger has no span of it',
            spans: [],
          }),
    },
  ]
}

/** Sends until it is answered, each time with a context of its own: what was refused leaves spans too. */
async function send({ connection }: Site, client: string, host: string, isSampled: boolean, deadline: Deadline) {
  let last = ''
  while (deadline.remainingMs() > pauseMs) {
    const { header, traceId, sentAs } = newContext(isSampled)
    try {
      // oxlint-disable-next-line no-await-in-loop -- until the mirror is there
      const { status, text } = await requestFrom(
        connection,
        client,
        { host, port: probePort, path: '/hostname', headers: { traceparent: header } },
        deadline,
      )
      if (status === 200) return { traceId, sentAs }
      last = `it answered ${status} ${text.slice(0, 80)}`.trim()
    } catch (error) {
      last = messageOf(error)
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal }).catch(() => {})
  }
  throw new Error(`${client} of apps got no answer from ${host}: ${last}`)
}

/** The proxy that sent the request and the one that took it; between them there may be the gateway's. */
export function missingHop(spans: readonly TracedSpan[]): string | undefined {
  const lacks = (cluster: ClusterName, direction: string) =>
    !spans.some((span) => span.cluster === cluster && span.direction === direction)
  const missing = [
    ...(lacks('apps', 'outbound') ? ['none of the proxy on apps that sent the request'] : []),
    ...(lacks('infra', 'inbound') ? ['none of a proxy on infra that took it'] : []),
  ]
  return missing.length === 0 ? undefined : missing.join(' and ')
}

type Owner = { cluster: ClusterName; pod: string }
/** By uid, and by name where only one cluster has such a pod: probes have the same names on both. */
export type Owners = { byUid: ReadonlyMap<string, Owner>; byName: ReadonlyMap<string, Owner | undefined> }

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) })) })

/** All pods of both clusters, those of the run too. */
export async function podOwners(sites: Record<ClusterName, Site>, deadline: Deadline): Promise<Owners> {
  const of = async (cluster: ClusterName) => {
    const { connection, list } = sites[cluster]
    const { text } = await connection.get(`/api/v1/namespaces/${probeNamespace}/pods`, deadline)
    const own = podList.parse(parseJSON(text)).items
    return [...own, ...list(pods)].map(({ metadata: { name, uid } }) => ({ uid, owner: { cluster, pod: name } }))
  }
  return ownersOf((await Promise.all([of('infra'), of('apps')])).flat())
}

export function ownersOf(all: readonly { uid: string | undefined; owner: Owner }[]): Owners {
  const byName = new Map<string, Owner | undefined>()
  for (const { owner } of all) {
    const isAmbiguous = byName.has(owner.pod) && byName.get(owner.pod)?.cluster !== owner.cluster
    byName.set(owner.pod, isAmbiguous ? undefined : owner)
  }
  return {
    byUid: new Map(all.flatMap(({ uid, owner }) => (uid === undefined ? [] : [[uid, owner] as const]))),
    byName,
  }
}

export function tracedSpan({ tags, ...span }: Span, { byUid, byName }: Owners): TracedSpan {
  const owner = byUid.get(tags['k8s.pod.uid'] ?? '') ?? byName.get(tags['k8s.pod.name'] ?? tags['host.name'] ?? '')
  const direction = tags['direction']
  return { ...span, ...owner, ...(direction === undefined ? {} : { direction }) }
}
