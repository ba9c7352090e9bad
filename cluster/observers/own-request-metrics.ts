import { setTimeout as sleep } from 'node:timers/promises'
import type { Sample } from '../clients/prometheus-text.ts'
import { increase, parseMetrics } from '../clients/prometheus-text.ts'
import type { Deadline } from '../../check/deadline.ts'
import { getFromPod } from '../http-forward.ts'
import type { Observer } from '../observe.ts'
import { probeNamespace, probePort, serviceHost } from '../probes/objects.ts'
import { ask } from './reachability.ts'

const adminPort = 4191
/** Each round is three requests. */
const rounds = 7
const perRound = 3
/** All probes run as the default account of their namespace, so this begins the identity of any of them. */
const identity = `default.${probeNamespace}.serviceaccount.identity.`
/** Counters of a response that has just ended may be a moment late. */
const settleMs = 500

type Page = { pod: string; samples: Sample[] }

/**
 * Lets a meshed probe send requests to the Service of all meshed probes, and reads the counters of their proxies before
 * and after: from the proxies themselves, as the store lags behind. What it sends to itself proves nothing and is left out.
 */
export const observeOwnRequestMetrics: Observer = async ({ here, names, deadline, probes }) => {
  if (!probes) throw new Error('needs probes')
  const meshed = probes.on[here.cluster].pods.filter(({ role }) => role === 'meshed').map(({ name }) => name)
  const [client, ...servers] = meshed
  if (client === undefined || servers.length === 0)
    throw new Error(`needs two meshed probes, ${meshed.length} got ready`)
  const read = (): Promise<Page[]> =>
    Promise.all(meshed.map(async (pod) => ({ pod, samples: await metricsOf(pod, deadline) })))
  const before = await read()
  const host = serviceHost('meshed', names.network.clusterDomain.name)
  for (let round = 0; round < rounds; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as a client would
    const attempt = await ask(here.connection, client, { host, port: probePort, path: 'hostname' }, meshed, deadline)
    if (attempt.outcome !== 'answered')
      throw new Error(`${client} got no answer from ${host}: ${attempt.outcome}, ${attempt.detail}`)
  }
  await sleep(settleMs, undefined, { signal: deadline.signal })
  return compared(client, before, await read(), rounds * perRound)

  async function metricsOf(pod: string, until: Deadline): Promise<Sample[]> {
    const { status, text } = await getFromPod(
      here.connection,
      { namespace: probeNamespace, pod, port: adminPort },
      '/metrics',
      until,
    )
    if (status !== 200) throw new Error(`the proxy of ${pod} answered ${status} to GET /metrics`)
    return parseMetrics(text)
  }
}

const isSecured = ({ labels }: Sample, peer: 'client_id' | 'server_id') =>
  labels['tls'] === 'true' && (labels[peer] ?? '').startsWith(identity)

/** Both ends of the requests, by what the counters of each proxy show more than before. */
export function compared(client: string, before: readonly Page[], after: readonly Page[], sent: number): unknown[] {
  const pageOf = (pages: readonly Page[], pod: string) => pages.find((page) => page.pod === pod)?.samples ?? []
  const grown = (pod: string, isMeant: (sample: Sample) => boolean) =>
    increase(pageOf(before, pod), pageOf(after, pod), isMeant)
  const goesOut = ({ name, labels }: Sample) =>
    name === 'request_total' && labels['direction'] === 'outbound' && labels['dst_service'] === 'meshed'
  const isToItself = ({ labels }: Sample) => labels['dst_pod'] === client
  const comesIn = ({ name, labels }: Sample) =>
    name === 'request_total' &&
    labels['direction'] === 'inbound' &&
    labels['target_port'] === String(probePort) &&
    labels['route_name'] !== 'probe'
  const servers = after.map(({ pod }) => pod).filter((pod) => pod !== client)
  const sumOver = (isMeant: (sample: Sample) => boolean) => servers.reduce((sum, pod) => sum + grown(pod, isMeant), 0)
  const toItself = grown(client, (sample) => goesOut(sample) && isToItself(sample))
  const isOut = (sample: Sample) => goesOut(sample) && !isToItself(sample)
  const securedOut = grown(client, (sample) => isOut(sample) && isSecured(sample, 'server_id'))
  return [
    {
      metadata: { name: 'outbound' },
      pods: [client],
      sent: sent - toItself,
      secured: securedOut,
      unsecured: grown(client, (sample) => isOut(sample) && !isSecured(sample, 'server_id')),
      peers: peersOf(pageOf(after, client).filter(isOut), 'server_id'),
    },
    {
      metadata: { name: 'inbound' },
      pods: servers,
      sent: sent - toItself,
      secured: sumOver((sample) => comesIn(sample) && isSecured(sample, 'client_id')),
      unsecured: sumOver((sample) => comesIn(sample) && !isSecured(sample, 'client_id')),
      peers: peersOf(servers.flatMap((pod) => pageOf(after, pod)).filter(comesIn), 'client_id'),
    },
  ]
}

const peersOf = (samples: readonly Sample[], peer: 'client_id' | 'server_id'): string[] => [
  ...new Set(
    samples.map(
      ({ labels }) => labels[peer] || `none (tls="${labels['tls'] ?? ''}", ${labels['no_tls_reason'] ?? 'no reason'})`,
    ),
  ),
]
