import type { Deadline } from '../check/deadline.ts'
import type { Sample } from '../cluster/clients/prometheus-text.ts'
import { parseMetrics } from '../cluster/clients/prometheus-text.ts'
import type { Connection } from '../cluster/connection.ts'

const proxyName = 'linkerd-proxy'

/** One reading of the proxies of a cluster, by `namespace/pod`: CPU time used until `at`, in milliseconds, and memory in use. */
export type ProxyReading = Map<string, { cpuSeconds: number; bytes: number; at: number }>

/** The mean over the proxies of a cluster between two readings. */
export type ProxyCost = { proxies: number; seconds: number; cores: number; bytes: number }

/** Reads the resource metrics of every kubelet. Throws when one of them does not tell: a mean without its pods is another. */
export async function readProxies(
  connection: Connection,
  nodes: readonly string[],
  deadline: Deadline,
): Promise<ProxyReading> {
  const pages = await Promise.all(
    nodes.map(async (node) => {
      const path = `/api/v1/nodes/${node}/proxy/metrics/resource`
      const { status, text } = await connection.get(path, deadline, 'text/plain')
      if (status !== 200) throw new Error(`the kubelet of ${node} answered ${status} for its resource metrics`)
      return parseMetrics(text)
    }),
  )
  return proxiesIn(pages.flat(), Date.now())
}

/** `now` is when the page was read, for kubelets that do not say when they looked. */
export function proxiesIn(samples: readonly Sample[], now: number): ProxyReading {
  const found: ProxyReading = new Map()
  for (const { name, labels, value, at } of samples) {
    if (labels['container'] !== proxyName) continue
    const key = `${labels['namespace'] ?? ''}/${labels['pod'] ?? ''}`
    const known = found.get(key) ?? { cpuSeconds: Number.NaN, bytes: Number.NaN, at: now }
    if (name === 'container_cpu_usage_seconds_total') found.set(key, { ...known, cpuSeconds: value, at: at ?? now })
    if (name === 'container_memory_working_set_bytes') found.set(key, { ...known, bytes: value })
  }
  return found
}

/** Of the proxies that were there at both readings and did not start anew in between. Throws when there is none. */
export function costBetween(before: ProxyReading, after: ProxyReading): ProxyCost {
  const costs = [...after].flatMap(([pod, now]) => {
    const old = before.get(pod)
    const seconds = (now.at - (old?.at ?? now.at)) / 1_000
    if (!old || seconds <= 0 || !(now.cpuSeconds >= old.cpuSeconds) || !(now.bytes > 0)) return []
    return [{ cores: (now.cpuSeconds - old.cpuSeconds) / seconds, bytes: now.bytes, seconds }]
  })
  if (costs.length === 0) throw new Error('the kubelets know of no proxy that was there before and after')
  const mean = (of: (cost: (typeof costs)[number]) => number) =>
    costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length
  return {
    proxies: costs.length,
    seconds: mean(({ seconds }) => seconds),
    cores: mean(({ cores }) => cores),
    bytes: mean(({ bytes }) => bytes),
  }
}
