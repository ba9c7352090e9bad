// A double of an API server: objects by path, a controller that replaces lost pods, and the one Service that they serve.
// It says so wherever it is asked: what is proved with it is the logic of chaos, and nothing about a platform.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { ChaosMeshTraps } from './chaos-mesh-double.ts'
import { ChaosMeshDouble } from './chaos-mesh-double.ts'

type Stored = {
  kind?: string
  metadata: {
    name: string
    namespace?: string
    uid?: string
    labels?: Record<string, string>
    deletionTimestamp?: string
    ownerReferences?: unknown[]
  }
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  [key: string]: unknown
}

export type DoubleOptions = {
  /** How long a replacement takes until it is Ready. */
  replaceMs: number
  /** Nothing replaces a lost pod. */
  isOrphan?: boolean
  uid: string
  /** With a controller of Chaos Mesh, and what is wrong with it. */
  chaosMesh?: ChaosMeshTraps
}

const ready = { conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' }

/** The objects that a small cluster begins with: three nodes, one Deployment of one pod, its Service. */
function firstObjects(uid: string, servicePort: number): Map<string, Stored> {
  const node = (name: string): [string, Stored] => [
    `/api/v1/nodes/${name}`,
    {
      metadata: { name, uid: `${uid}-${name}`, labels: { 'node-role.kubernetes.io/control-plane': '' } },
      spec: { taints: [] },
      status: ready,
    },
  ]
  return new Map<string, Stored>([
    ['/api/v1/namespaces/kube-system', { metadata: { name: 'kube-system', uid } }],
    ['/api/v1/namespaces/demo', { metadata: { name: 'demo', uid: 'demo' } }],
    node('node-1'),
    node('node-2'),
    node('node-3'),
    [
      '/apis/apps/v1/namespaces/demo/deployments/echo',
      { metadata: { name: 'echo', namespace: 'demo', uid: 'deployment' }, spec: { replicas: 1 } },
    ],
    [
      '/api/v1/namespaces/demo/services/echo',
      {
        metadata: { name: 'echo', namespace: 'demo' },
        spec: { clusterIP: '127.0.0.1', ports: [{ port: servicePort }] },
      },
    ],
  ])
}

/** The double of one cluster. `service` answers while a pod of echo is Ready. */
export class APIDouble {
  readonly objects: Map<string, Stored>
  readonly #options: DoubleOptions
  readonly #api: Server
  readonly #service: Server
  readonly #controller: NodeJS.Timeout
  readonly #chaosMesh: ChaosMeshDouble | undefined
  #pods = 0
  #missingSince: number | undefined

  private constructor(options: DoubleOptions, service: Server, port: number) {
    this.#options = options
    this.#service = service
    this.objects = firstObjects(options.uid, port)
    this.#makePod()
    this.#chaosMesh = options.chaosMesh && new ChaosMeshDouble(this.objects, options.chaosMesh)
    this.#api = createServer((request, response) => void this.#answer(request, response))
    this.#controller = setInterval(() => this.#control(), 20)
  }

  static async start(options: DoubleOptions): Promise<APIDouble> {
    let double: APIDouble | undefined
    const service = createServer((_, response) => {
      const pod = double?.readyPod()
      if (pod === undefined) response.destroy()
      else response.end(pod)
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    double = new APIDouble(options, service, (service.address() as AddressInfo).port)
    const api = double.#api
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
    return double
  }

  get port(): number {
    return (this.#api.address() as AddressInfo).port
  }

  get servicePort(): number {
    return (this.#service.address() as AddressInfo).port
  }

  /** The name of the pod that would answer. */
  readyPod(): string | undefined {
    const replicas = this.objects.get('/apis/apps/v1/namespaces/demo/deployments/echo')?.spec?.['replicas']
    if (replicas === 0) return undefined
    const pods = this.#podsOfEcho().filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    return pods.find(({ metadata }) => this.#chaosMesh?.isBroken(metadata.name) !== true)?.metadata.name
  }

  stop(): void {
    clearInterval(this.#controller)
    for (const server of [this.#api, this.#service]) {
      server.closeAllConnections()
      server.close()
    }
  }

  #podsOfEcho(): Stored[] {
    return [...this.objects].filter(([path]) => path.startsWith('/api/v1/namespaces/demo/pods/')).map(([, pod]) => pod)
  }

  #makePod(): void {
    this.#pods += 1
    const name = `echo-${this.#pods}`
    this.objects.set(`/api/v1/namespaces/demo/pods/${name}`, {
      metadata: {
        name,
        namespace: 'demo',
        uid: `uid-${name}`,
        labels: { app: 'echo' },
        ownerReferences: this.#options.isOrphan
          ? []
          : [{ kind: 'ReplicaSet', name: 'echo', uid: 'replicaset', controller: true }],
      },
      spec: { nodeName: 'node-1', containers: [{ name: 'echo' }] },
      status: { ...ready, containerStatuses: [{ name: 'echo', restartCount: 0, ready: true }] },
    })
  }

  /** Pods follow the number of replicas, a lost one after a while. */
  #control(): void {
    this.#chaosMesh?.tick()
    const replicas = Number(this.objects.get('/apis/apps/v1/namespaces/demo/deployments/echo')?.spec?.['replicas'] ?? 0)
    const pods = this.#podsOfEcho()
    if (pods.length > replicas) {
      const name = pods.at(-1)?.metadata.name ?? ''
      this.objects.delete(`/api/v1/namespaces/demo/pods/${name}`)
    }
    if (pods.length >= replicas || this.#options.isOrphan) {
      this.#missingSince = undefined
      return
    }
    this.#missingSince ??= performance.now()
    if (performance.now() - this.#missingSince >= this.#options.replaceMs) this.#makePod()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://double')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const { status, body } = this.#handle(
      request.method ?? 'GET',
      pathname,
      searchParams,
      text === '' ? undefined : JSON.parse(text),
    )
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  #handle(method: string, path: string, query: URLSearchParams, body: unknown): { status: number; body: unknown } {
    const there = this.objects.get(path)
    switch (method) {
      case 'GET':
        return there ? { status: 200, body: there } : this.#list(path, query.get('labelSelector'))
      case 'POST':
        return this.#create(path, body)
      case 'PATCH':
        if (!there) return notFound
        this.objects.set(path, Array.isArray(body) ? patched(there, body) : (merged(there, body) as Stored))
        return { status: 200, body: this.objects.get(path) }
      case 'DELETE':
        if (!there) return notFound
        if (!isMeant(there, body)) return { status: 409, body: { kind: 'Status', message: 'the UID is another one' } }
        if (this.#chaosMesh?.keeps(path) !== true) this.#remove(path)
        return { status: 200, body: there }
      default:
        return notFound
    }
  }

  #remove(path: string): void {
    this.objects.delete(path)
    // What is inside a namespace goes with it.
    if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path)) {
      const inside = `${path.slice(path.lastIndexOf('/namespaces/'))}/`
      for (const other of this.objects.keys()) if (other.includes(inside)) this.objects.delete(other)
    }
  }

  #create(path: string, body: unknown): { status: number; body: unknown } {
    if (path.endsWith('/eviction')) {
      const pod = path.replace('/eviction', '')
      if (!this.objects.has(pod)) return notFound
      this.objects.delete(pod)
      return { status: 201, body: {} }
    }
    const made = z.looseObject({ metadata: z.looseObject({ name: z.string() }) }).parse(body) as Stored
    const key = `${path}/${made.metadata.name}`
    if (this.objects.has(key)) return { status: 409, body: { kind: 'Status', message: `${made.metadata.name} exists` } }
    this.objects.set(key, { ...made, metadata: { ...made.metadata, uid: crypto.randomUUID() } })
    return { status: 201, body: this.objects.get(key) }
  }

  #list(path: string, selector: string | null): { status: number; body: unknown } {
    const [, group = '', namespace, plural = ''] =
      /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([a-z]+)$/.exec(path) ?? []
    if (plural === '') return notFound
    const pattern = new RegExp(`^${group}(/namespaces/${namespace ?? '[^/]+'})?/${plural}/[^/]+$`)
    const items = [...this.objects].filter(([key]) => pattern.test(key)).map(([, object]) => object)
    return {
      status: 200,
      body: { kind: 'List', items: items.filter(({ metadata }) => fits(metadata.labels, selector)) },
    }
  }
}

const notFound = { status: 404, body: { kind: 'Status', message: 'not found' } }

function fits(labels: Record<string, string> | undefined, selector: string | null): boolean {
  return (selector ?? '')
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [key = '', value] = part.split('=')
      return value === undefined ? labels?.[key] !== undefined : labels?.[key] === value
    })
}

const deleteOptions = z.object({ preconditions: z.object({ uid: z.string() }).optional() }).optional()

const isMeant = ({ metadata }: Stored, body: unknown): boolean => {
  const wanted = deleteOptions.parse(body)?.preconditions?.uid
  return wanted === undefined || wanted === metadata.uid
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = { ...(target as Record<string, unknown> | undefined) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

const removals = z.array(z.object({ op: z.string(), path: z.string() }))

/** The one JSON patch that chaos sends: a taint is removed. */
function patched(target: Stored, patch: unknown): Stored {
  const removal = removals.parse(patch).find(({ op }) => op === 'remove')
  const index = Number(removal?.path.split('/').at(-1))
  const taints = (target.spec?.['taints'] as unknown[] | undefined) ?? []
  return { ...target, spec: { ...target.spec, taints: taints.filter((_, position) => position !== index) } }
}
