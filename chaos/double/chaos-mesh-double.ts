// A double of Chaos Mesh's controller, beside the double of an API server. It plays what the real one is known for, its
// traps above all, and says nothing about the real one.
type ChaosObject = {
  metadata: { deletionTimestamp?: string }
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
}

export type ChaosMeshTraps = {
  /** From creation until the controller acts; `duration` counts meanwhile. */
  skewMs?: number
  /** A filter, or a selector that fits nothing: `Selected` is False, and nothing is tried again. */
  selectsNothing?: boolean
  /** `AllInjected` is True, and nobody feels anything. */
  hasNoEffect?: boolean
  /** Its daemon is gone: the finalizer stays. */
  neverRecovers?: boolean
}

type State = { createdAt: number; pods: string[]; isOver: boolean }

const group = '/apis/chaos-mesh.org/'
const condition = (type: string, holds: boolean) => ({ type, status: holds ? 'True' : 'False' })

export class ChaosMeshDouble {
  readonly #objects: Map<string, ChaosObject>
  readonly #traps: ChaosMeshTraps
  readonly #states = new Map<string, State>()
  readonly #broken = new Set<string>()

  constructor(objects: Map<string, ChaosObject>, traps: ChaosMeshTraps) {
    this.#objects = objects
    this.#traps = traps
  }

  /** A pod that is Ready by its status, and answers nobody. */
  isBroken(pod: string): boolean {
    return this.#broken.has(pod)
  }

  /** Objects of Chaos Mesh have a finalizer: they go when their pods have recovered. */
  keeps(path: string): boolean {
    const object = this.#objects.get(path)
    if (!object || !path.startsWith(group)) return false
    object.metadata.deletionTimestamp ??= new Date().toISOString()
    return true
  }

  tick(): void {
    for (const [path, object] of this.#objects) if (path.startsWith(group)) this.#reconcile(path, object)
  }

  #reconcile(path: string, object: ChaosObject): void {
    const state = this.#states.get(path) ?? { createdAt: performance.now(), pods: [], isOver: false }
    this.#states.set(path, state)
    const { skewMs = 0, neverRecovers = false } = this.#traps
    if (object.metadata.deletionTimestamp !== undefined) {
      if (neverRecovers) return
      this.#recover(state)
      this.#objects.delete(path)
      return
    }
    const age = performance.now() - state.createdAt
    if (object.status === undefined && age >= skewMs) this.#inject(object, state)
    const seconds = Number(/^(\d+)s$/.exec(String(object.spec?.['duration']))?.[1] ?? Infinity)
    if (!state.isOver && state.pods.length > 0 && age >= seconds * 1_000) {
      this.#recover(state)
      object.status = { conditions: [condition('Selected', true), condition('AllRecovered', true)] }
    }
  }

  #inject(object: ChaosObject, state: State): void {
    const selector = object.spec?.['selector'] as { pods?: Record<string, string[]> } | undefined
    const named = Object.entries(selector?.pods ?? {}).flatMap(([namespace, names]) =>
      names.map((name) => ({ name, path: `/api/v1/namespaces/${namespace}/pods/${name}` })),
    )
    const there = this.#traps.selectsNothing ? [] : named.filter(({ path }) => this.#objects.has(path))
    if (there.length === 0) {
      object.status = { conditions: [condition('Selected', false), condition('AllInjected', false)] }
      return
    }
    state.pods = there.map(({ name }) => name)
    for (const { name, path } of this.#traps.hasNoEffect ? [] : there) {
      if (object.spec?.['action'] === 'pod-kill') this.#objects.delete(path)
      else this.#broken.add(name)
    }
    object.status = {
      conditions: [condition('Selected', true), condition('AllInjected', true)],
      experiment: {
        containerRecords: there.map(({ name }) => ({
          id: name,
          phase: 'Injected',
          events: [{ type: 'Succeeded', operation: 'Apply' }],
        })),
      },
    }
  }

  #recover(state: State): void {
    for (const name of state.pods) this.#broken.delete(name)
    state.isOver = true
  }
}
