import type { Answer, Change, Connection } from '../cluster/connection.ts'
import { loads } from '../cluster/own-objects.ts'
import type { Random } from './random.ts'

/** What goes wrong on the simulated cluster. */
export type Trouble = {
  /** Pods that should be meshed get no proxy. */
  noInjection?: boolean
  /** The plain server's pod has a proxy, and its requests pass it. */
  meshedControl?: boolean
  /** The kubelets say nothing of throttling. */
  silentKubelets?: boolean
  throttled?: boolean
  k6Fails?: boolean
  /** Nothing answers for the plain server: k6 gives up, as its threshold says. */
  deadControl?: boolean
  /** k6 cannot start a tenth of what it should. */
  saturated?: boolean
  restarts?: boolean
  /** The API server suffers. */
  ill?: boolean
  /** So many times it refuses to delete the namespace. */
  refusals?: number
}

export type Simulation = { random: Random; ratio: number; trouble?: Trouble }

type Pod = {
  metadata: { name: string; uid: string; labels: Record<string, string> }
  spec: { nodeName: string; containers: { name: string }[] }
  status: {
    phase: string
    podIP: string
    conditions: { type: string; status: string }[]
    containerStatuses: { name: string; restartCount: number; ready: boolean; state: object }[]
  }
  /** Of a pod of k6: when it ends, and what it has written then. */
  endsAt?: number
  log?: string
  exitCode?: number
  counters: { inbound: number; outbound: number }
}

type PodRequest = {
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> }
  spec: { nodeName: string; containers: { name: string }[] }
}
type JobRequest = {
  metadata: { name: string }
  spec: {
    template: {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> }
      spec: { nodeName: string; containers: { name: string; args: string[] }[] }
    }
  }
}

type TestRunRequest = {
  metadata: { name: string }
  spec: {
    parallelism: number
    runner: {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> }
      nodeSelector: Record<string, string>
      env: { name: string; value: string }[]
    }
  }
}
type PodTemplate = Pick<PodRequest, 'spec'> & { metadata: Omit<PodRequest['metadata'], 'name'> }

/** An API server, kubelets, a mesh and k6 as far as a load test asks them. In memory; nothing is sent anywhere. */
export class SimulatedCluster {
  readonly #name: string
  readonly #simulation: Simulation
  /** The cluster at the other end of the gateway. */
  other: SimulatedCluster | undefined
  readonly #pods = new Map<string, Pod>()
  #namespace: object | undefined
  #number = 0
  #refused = 0
  /** Everything that was changed, as `METHOD path`. */
  readonly changes: string[] = []

  constructor(name: string, simulation: Simulation) {
    this.#name = name
    this.#simulation = simulation
  }

  get isEmpty(): boolean {
    return this.#namespace === undefined && this.#pods.size === 0
  }

  connection(): Connection {
    return {
      context: this.#name,
      server: `https://${this.#name}`,
      get: async (path) => this.#get(path),
      send: async (change) => this.#change(change),
      upgrade: async (path) => this.#admin(path),
      certificate: () => Promise.reject(new Error('not simulated')),
      close: async () => {},
    }
  }

  #get(path: string): Answer {
    const json = (value: unknown) => ({ status: 200, text: JSON.stringify(value) })
    const pods = `/api/v1/namespaces/${loads.name}/pods`
    if (path === '/readyz')
      return this.#simulation.trouble?.ill ? { status: 500, text: '' } : { status: 200, text: 'ok' }
    if (path === '/api/v1/nodes')
      return json({ items: [1, 2, 3].map((index) => nodeObject(`${this.#name}-0${index}`)) })
    if (path.startsWith('/api/v1/pods')) return json({ items: [{}], metadata: { remainingItemCount: 41 } })
    if (path === `/api/v1/namespaces/${loads.name}`) return this.#namespace ? json(this.#namespace) : notFound
    if (path.endsWith('/serviceaccounts/default')) return json({})
    if (path === pods) return json({ items: [...this.#pods.values()].map((pod) => this.#asNow(pod)) })
    const log = new RegExp(`^${pods}/([^/]+)/log`).exec(path)
    if (log) return { status: 200, text: this.#pods.get(log[1] ?? '')?.log ?? '' }
    const kubelet = /^\/api\/v1\/nodes\/([^/]+)\/proxy\/metrics\/(cadvisor|resource)$/.exec(path)
    if (kubelet)
      return { status: 200, text: kubelet[2] === 'cadvisor' ? this.#cadvisor(kubelet[1]) : resourcePage(kubelet[1]) }
    return notFound
  }

  #change({ method, path, body }: Change): Answer {
    this.changes.push(`${method} ${path}`)
    const created = { status: 201, text: JSON.stringify({ metadata: { uid: 'u' } }) }
    if (method === 'POST' && path === '/api/v1/namespaces') {
      this.#namespace = {
        ...(body as object),
        metadata: { ...(body as PodRequest).metadata, creationTimestamp: '2026-01-01T00:00:00Z' },
      }
      return created
    }
    if (method === 'DELETE' && path === `/api/v1/namespaces/${loads.name}`) {
      this.#refused += 1
      if (this.#refused <= (this.#simulation.trouble?.refusals ?? 0)) return { status: 503, text: '{}' }
      this.#namespace = undefined
    }
    if (method === 'DELETE' && path.startsWith(`/api/v1/namespaces/${loads.name}/pods`)) this.#pods.clear()
    if (method === 'POST' && path.endsWith('/pods')) this.#add(body as PodRequest)
    if (method === 'POST' && path.endsWith('/jobs')) this.#runJob(body as JobRequest)
    if (method === 'POST' && path.endsWith('/testruns')) this.#runTestRun(body as TestRunRequest)
    return method === 'POST' ? created : { status: 200, text: '{}' }
  }

  #add({ metadata, spec }: PodRequest): Pod {
    this.#number += 1
    const { trouble = {} } = this.#simulation
    const wantsProxy = metadata.annotations['linkerd.io/inject'] === 'enabled' && !trouble.noInjection
    const hasProxy = wantsProxy || (trouble.meshedControl === true && metadata.labels['app'] === 'plain')
    const pod: Pod = {
      metadata: { name: metadata.name, uid: `uid-${this.#number}`, labels: metadata.labels },
      spec: {
        nodeName: spec.nodeName,
        containers: [...spec.containers, ...(hasProxy ? [{ name: 'linkerd-proxy' }] : [])],
      },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: spec.containers.map(({ name }) => ({ name, restartCount: 0, ready: true, state: {} })),
      },
      counters: { inbound: 0, outbound: 0 },
    }
    this.#pods.set(metadata.name, pod)
    return pod
  }

  #runJob({ metadata, spec }: JobRequest): void {
    const { template } = spec
    const args = template.spec.containers[0]?.args ?? []
    const settings = Object.fromEntries(
      args.filter((_, index) => args[index - 1] === '-e').map((one) => one.split(/=(.*)/s, 2)),
    ) as Record<string, string>
    this.#run(`${metadata.name}-x`, template, settings, 1)
  }

  /** Runners that share the rate, and the pod that has looked at their script. */
  #runTestRun({ metadata, spec: { parallelism, runner } }: TestRunRequest): void {
    const settings = Object.fromEntries(runner.env.map(({ name, value }) => [name, value]))
    const spec = { nodeName: runner.nodeSelector['kubernetes.io/hostname'] ?? '', containers: [{ name: 'k6' }] }
    const labels = { ...runner.metadata.labels, k6_cr: metadata.name }
    this.#add({ metadata: { ...runner.metadata, labels, name: `${metadata.name}-initializer` }, spec })
    for (let index = 1; index <= parallelism; index += 1) {
      const own = { ...runner.metadata, labels: { ...labels, runner: 'true' } }
      this.#run(`${metadata.name}-${index}`, { metadata: own, spec }, settings, parallelism)
    }
  }

  #run(name: string, template: PodTemplate, settings: Record<string, string>, sharedBy: number): void {
    const pod = this.#add({ metadata: { ...template.metadata, name }, spec: template.spec })
    const { log, sent, endsAt, exitCode = 0 } = this.#load(settings, sharedBy)
    pod.log = log
    pod.exitCode = exitCode
    pod.endsAt = endsAt
    pod.counters.outbound = sent
    const app = /^http:\/\/([^.]+)\./.exec(settings['TARGET'] ?? '')?.[1] ?? ''
    const serving = app.endsWith('-infra') ? this.other : this
    if (serving) serving.#serve(app.replace(/-infra$/, ''), sent)
  }

  #serve(app: string, requests: number): void {
    for (const pod of this.#pods.values()) {
      if (pod.metadata.labels['app'] !== app) continue
      pod.counters.inbound += requests
      const [server] = pod.status.containerStatuses
      if (server && this.#simulation.trouble?.restarts) server.restartCount += 1
    }
  }

  #load(settings: Record<string, string>, sharedBy: number): SimulatedLoad {
    const { random, ratio, trouble = {} } = this.#simulation
    if (trouble.k6Fails) return { log: 'script exception\n', sent: 0, endsAt: 0, exitCode: 107 }
    const isPlain = (settings['TARGET'] ?? '').includes('//plain.')
    const starts = (settings['STARTS'] ?? '0').split(',').map(Number)
    const [seconds, warmUp] = [Number(settings['SECONDS']), Number(settings['WARMUP'])]
    const rate = Number(settings['RATE']) / sharedBy
    const begin = Number(settings['BEGIN'] ?? Date.now())
    const failing = settings['FAILING'] !== undefined
    if (trouble.deadControl && isPlain) return deadLoads(starts.length, begin, rate)
    const dropped = trouble.saturated ? Math.round(rate * seconds * 0.1) : 0
    const count = Math.round(rate * seconds) - dropped
    const factor = isPlain ? 1 : ratio
    const lines = starts.flatMap((start, load) => [
      `began ${load} ${Math.round(begin + (start + warmUp) * 1_000)}`,
      ...Array.from(
        { length: count },
        (_, index) =>
          `sample ${load} ${Math.round(1_000 * factor * (0.8 + 0.4 * random()))} ${failing && index % 4 === 3 ? 1 : 0}`,
      ),
    ])
    const failed = failing ? Math.floor(count / 4) : 0
    const sent = starts.length * Math.round(rate * (seconds + warmUp))
    const counted = starts.map((_, load) => `counted ${load} ${count} ${failed} ${dropped}`)
    return {
      log: [...lines, ...counted, `sent ${sent}`, ''].join('\n'),
      sent,
      endsAt: begin + ((starts.at(-1) ?? 0) + warmUp + seconds) * 1_000,
    }
  }

  /** k6 has terminated when its time is over. */
  #asNow(pod: Pod): Pod {
    if (pod.endsAt === undefined || pod.endsAt > Date.now()) return { ...pod, log: '' }
    const exitCode = pod.exitCode ?? 0
    const containerStatuses = pod.status.containerStatuses.map((one) => ({
      ...one,
      state: { terminated: { exitCode } },
    }))
    return { ...pod, log: '', status: { ...pod.status, containerStatuses } }
  }

  #cadvisor(node: string | undefined): string {
    const { trouble = {} } = this.#simulation
    if (trouble.silentKubelets) return ''
    return [...this.#pods.values()]
      .filter(({ spec }) => spec.nodeName === node)
      .flatMap(({ metadata, spec }) =>
        spec.containers.map(
          ({ name }) =>
            `container_cpu_cfs_throttled_periods_total{container="${name}",namespace="${loads.name}",pod="${metadata.name}"} ${trouble.throttled ? Math.round(performance.now()) : 0} ${Date.now()}`,
        ),
      )
      .join('\n')
  }

  /** A port-forward to the admin port of a proxy, as the WebSocket that the API server would open. */
  #admin(path: string): never {
    const name = /\/pods\/([^/]+)\/portforward/.exec(path)?.[1] ?? ''
    const { inbound = 0, outbound = 0 } = this.#pods.get(name)?.counters ?? {}
    const page = [
      `request_total{direction="inbound",target_port="8080",tls="true",client_id="default.x"} ${inbound}`,
      `request_total{direction="outbound",dst_service="meshed",tls="true"} ${outbound}`,
      'proxy_build_info{vendor="simulated"} 1',
    ].join('\n')
    const socket = new EventTarget() as EventTarget & { send: (data: unknown) => void; close: () => void }
    const tell = (data: Buffer) =>
      socket.dispatchEvent(new MessageEvent('message', { data: Uint8Array.from(data).buffer }))
    let asked = false
    socket.close = () => {}
    socket.send = () => {
      if (asked) return
      asked = true
      queueMicrotask(() => {
        const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(page)}\r\n\r\n${page}`
        tell(Buffer.concat([Buffer.of(0, 0, 0), Buffer.from(answer)]))
      })
    }
    return socket as never
  }
}

type SimulatedLoad = { log: string; sent: number; endsAt: number; exitCode?: number }

/** Two seconds of refused connections, all of them of the first load, in which k6 ends itself. */
function deadLoads(count: number, begin: number, rate: number): SimulatedLoad {
  const failed = 2 * rate
  const lines = [
    `began 0 ${begin}`,
    ...Array.from({ length: failed }, () => 'sample 0 0 1'),
    ...Array.from({ length: count }, (_, load) => `counted ${load} ${load === 0 ? failed : 0} ${failed} 0`),
    `sent ${failed}`,
  ]
  return { log: `${lines.join('\n')}\n`, sent: 0, endsAt: begin + 2_000, exitCode: 108 }
}

const notFound: Answer = { status: 404, text: '{}' }
const nodeObject = (name: string) => ({
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})

const resourcePage = (node: string | undefined) =>
  [
    `container_cpu_usage_seconds_total{container="linkerd-proxy",namespace="shop",pod="checkout-${node}"} ${performance.now() / 1e6} ${Date.now()}`,
    `container_memory_working_set_bytes{container="linkerd-proxy",namespace="shop",pod="checkout-${node}"} 5000000 ${Date.now()}`,
  ].join('\n')
