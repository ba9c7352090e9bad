import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { Sample } from '../clients/prometheus-text.ts'
import { parseMetrics } from '../clients/prometheus-text.ts'
import type { Connection } from '../connection.ts'
import { getFromPod } from '../http-forward.ts'
import { parseJSON } from '../json.ts'
import { nodes } from '../kinds/core.ts'
import type { NearRequest } from '../kinds/observations.ts'
import type { Observer } from '../observe.ts'
import { probeNamespace, probePort, serviceHost, serviceObject } from '../probes/objects.ts'
import { create } from '../own-namespace.ts'
import { answersTo } from './reachability.ts'

const adminPort = 4191
/** Without a preference, nine requests to three endpoints would all go to one of them about once in ten thousand times. */
const tries = 9
/** Hints come with the slices, which are made at once. */
const patienceMs = 10_000
const pauseMs = 300
/** What the control plane of the mesh needs to hear of a Service. */
const settleMs = 1_000

/**
 * Makes a Service of the unmeshed probes that asks for near endpoints, and lets a meshed probe of every node send requests
 * to it: who answered tells the zone, and so does the proxy that chose.
 */
export const observeNearRequests: Observer = async ({ here, names, probes, deadline }): Promise<NearRequest[]> => {
  if (!probes) throw new Error('needs probes')
  const { pods, owner } = probes.on[here.cluster]
  const servers = pods.filter(({ role }) => role === 'plain')
  const clients = pods.filter(({ role }) => role === 'meshed')
  if (servers.length < 2 || clients.length === 0) throw new Error('needs probes on two nodes')
  // An observation that is made once more begins with a Service that no proxy has counted requests to.
  const name = `near-${probes.run.id}-${randomBytes(2).toString('hex')}`
  const { spec, ...rest } = serviceObject(name, 'plain', owner)
  const service = { ...rest, spec: { ...spec, trafficDistribution: 'PreferClose' } }
  await create(here.connection, `/api/v1/namespaces/${probeNamespace}/services`, service, deadline)
  const hinted = await haveHints(here.connection, name, servers.length, deadline)
  await sleep(settleMs, undefined, { signal: deadline.signal })
  const zones = new Map(
    here.list(nodes).map(({ metadata }) => [metadata.name, metadata.labels[names.labels.zone.key] ?? '']),
  )
  const zoneOf = (pod: string) => zones.get(servers.find((server) => server.name === pod)?.node ?? '') ?? ''
  const host = serviceHost(name, names.network.clusterDomain.name)
  return Promise.all(
    clients.map(async (client) => {
      const request = { host, port: probePort, path: 'hostname', tries }
      const answers = await answersTo(here.connection, client.name, request, deadline)
      const where = { namespace: probeNamespace, pod: client.name, port: adminPort }
      const { status, text } = await getFromPod(here.connection, where, '/metrics', deadline)
      if (status !== 200) throw new Error(`the proxy of ${client.name} answered ${status} to GET /metrics`)
      const isOurs = ({ name: family, labels }: Sample) =>
        family === 'request_total' && labels['direction'] === 'outbound' && labels['dst_service'] === name
      const counted = parseMetrics(text).filter(isOurs)
      const zone = zones.get(client.node) ?? ''
      return {
        metadata: { name: `meshed probe on ${client.node}` },
        ...(zone === '' ? {} : { zone }),
        hinted,
        answers: sums(answers.map((pod) => [zoneOf(pod), 1])),
        counted: sums(counted.map(({ labels, value }) => [labels['dst_zone'] ?? '', value])),
      }
    }),
  )
}

/** One entry per zone, in the order of their names; the empty one is of endpoints without a zone. */
function sums(parts: readonly (readonly [string, number])[]): { zone: string; requests: number }[] {
  const all = new Map<string, number>()
  for (const [zone, requests] of parts) all.set(zone, (all.get(zone) ?? 0) + requests)
  return [...all].map(([zone, requests]) => ({ zone, requests })).toSorted((a, b) => (a.zone < b.zone ? -1 : 1))
}

const slices = z.object({
  items: z.array(
    z.object({
      endpoints: z
        .array(
          z.object({
            conditions: z.object({ ready: z.boolean().nullish() }).optional(),
            hints: z.object({ forZones: z.array(z.object({ name: z.string() })).nullish() }).nullish(),
          }),
        )
        .nullish(),
    }),
  ),
})

/** Waits for the endpoints of a Service, and tells whether all of them have hints at last. */
async function haveHints(
  connection: Connection,
  service: string,
  endpoints: number,
  deadline: Deadline,
): Promise<boolean> {
  const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`)
  const path = `/apis/discovery.k8s.io/v1/namespaces/${probeNamespace}/endpointslices?labelSelector=${selector}`
  const patience = deadlineIn(patienceMs, deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until they are there
    const { status, text } = await connection.get(path, deadline)
    const parsed = slices.safeParse(parseJSON(text))
    if (status !== 200 || !parsed.success) throw new Error(`EndpointSlices could not be listed: ${status}`)
    const ready = parsed.data.items
      .flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
    const hinted = ready.every(({ hints }) => (hints?.forZones ?? []).length > 0)
    if (ready.length >= endpoints && hinted) return true
    if (patience.remainingMs() < pauseMs) {
      if (ready.length === 0) throw new Error(`Service ${service} got no endpoints`)
      return false
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}
