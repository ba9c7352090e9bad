import type { Deadline } from '../check/deadline.ts'
import type { Sample } from '../cluster/clients/prometheus-text.ts'
import { parseMetrics } from '../cluster/clients/prometheus-text.ts'
import type { Connection } from '../cluster/connection.ts'
import { getFromPod } from '../cluster/http-forward.ts'
import { loads } from '../cluster/own-objects.ts'
import { serverPort } from './objects.ts'
import type { LoadContainer, LoadPod } from './pods.ts'
import { isMeshed } from './pods.ts'

export const adminPort = 4191

/** What the proxies of an arm have counted so far. */
export type ProxyCount = {
  /** Requests to the server that came in by mutual TLS, with the identity of the client. */
  secured: number
  /** Every request that passed a proxy of the arm, on its way out or in, secured or not. */
  any: number
  /** The proxies are those of the embedded pair: they show nothing about Linkerd. */
  isStandIn: boolean
}

const nothing: ProxyCount = { secured: 0, any: 0, isStandIn: false }

/** The counters of one pod's proxy; none when it has no proxy. Throws when it has one that does not tell. */
export async function countOf(connection: Connection, pod: LoadPod, deadline: Deadline): Promise<ProxyCount> {
  if (!isMeshed(pod)) return nothing
  const { name } = pod.metadata
  const { status, text } = await getFromPod(
    connection,
    { namespace: loads.name, pod: name, port: adminPort },
    '/metrics',
    deadline,
  )
  if (status !== 200) throw new Error(`the proxy of ${name} answered ${status} to GET /metrics`)
  return countIn(parseMetrics(text))
}

const isRequest = ({ name, labels }: Sample) => name === 'request_total' && labels['route_name'] !== 'probe'
const isToServer = ({ labels }: Sample) =>
  labels['direction'] === 'inbound' && labels['target_port'] === String(serverPort)
const isSecured = ({ labels }: Sample) => labels['tls'] === 'true' && (labels['client_id'] ?? '') !== ''

export function countIn(samples: readonly Sample[]): ProxyCount {
  const sum = (isMeant: (sample: Sample) => boolean) =>
    samples.filter((sample) => isRequest(sample) && isMeant(sample)).reduce((total, { value }) => total + value, 0)
  return {
    secured: sum((sample) => isToServer(sample) && isSecured(sample)),
    any: sum((sample) => isToServer(sample) || sample.labels['direction'] === 'outbound'),
    isStandIn: samples.some(({ name, labels }) => name === 'proxy_build_info' && labels['vendor'] === 'stand-in'),
  }
}

export const addCounts = (counts: readonly ProxyCount[]): ProxyCount =>
  counts.reduce(
    (a, b) => ({ secured: a.secured + b.secured, any: a.any + b.any, isStandIn: a.isStandIn || b.isStandIn }),
    nothing,
  )

/** How often a container was held back by its CPU limit, and when that was read, in milliseconds since 1970. */
export type Throttling = { periods: number; readAt: number }

const cfsLine = /^container_cpu_cfs_throttled_periods_total\{([^}]*)\} (\S+)(?: (\d+))?$/
const labelIn = (labels: string, name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? ''

type Throttled = (container: LoadContainer) => Throttling | undefined

/** Of the containers of a node, as its kubelet's cAdvisor says. */
export async function throttlingOn(connection: Connection, node: string, deadline: Deadline): Promise<Throttled> {
  const { status, text } = await connection.get(`/api/v1/nodes/${node}/proxy/metrics/cadvisor`, deadline, 'text/plain')
  if (status !== 200) throw new Error(`the kubelet of ${node} answered ${status} for its container metrics`)
  return throttlingIn(text)
}

/** Not every cAdvisor knows the names of what it sees; the control group of a container has its id in every case. */
export function throttlingIn(page: string): Throttled {
  const found = page.split('\n').flatMap((line) => {
    const [, labels = '', value, readAt] = cfsLine.exec(line) ?? []
    if (value === undefined) return []
    const [group, namespace, pod, container] = ['id', 'namespace', 'pod', 'container'].map((name) =>
      labelIn(labels, name),
    )
    const throttling = { periods: Number(value), readAt: readAt === undefined ? 0 : Number(readAt) }
    return [{ group: group?.replace(/\.scope$/, '') ?? '', namespace, pod, container, throttling }]
  })
  return ({ pod, container, id }) =>
    found.find(
      (one) =>
        (id !== '' && one.group.endsWith(id)) ||
        (one.namespace === loads.name && one.pod === pod && one.container === container),
    )?.throttling
}
