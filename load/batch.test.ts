import { describe, expect, test } from 'vitest'
import type { Batch } from './batch.ts'
import { blocksOf } from './batch.ts'
import type { ProxyCount } from './evidence.ts'
import { Latencies } from './latencies.ts'
import type { LoadPod } from './pods.ts'

const pod = (
  name: string,
  change: Partial<{ node: string; uid: string; restartCount: number; isPlain: boolean }> = {},
): LoadPod => ({
  metadata: { name, uid: change.uid ?? name, labels: {} },
  spec: {
    nodeName: change.node ?? 'apps-03',
    containers: change.isPlain === true ? [] : [{ name: 'linkerd-proxy' }],
    initContainers: [],
  },
  status: {
    phase: 'Running',
    podIP: '10.246.0.9',
    conditions: [],
    containerStatuses: [
      { name: 'server', ready: true, restartCount: change.restartCount ?? 0, containerID: '', state: {} },
    ],
    initContainerStatuses: [],
  },
})

const site = { client: { node: 'apps-02', form: { kind: 'Job' } }, server: { name: 'server' } }
const batch = {
  id: 'mesh-1',
  rate: 300,
  shape: { warmUpSeconds: 1, seconds: 1, gapSeconds: 1 },
  schedule: {
    order: [
      ['treated', 'control'],
      ['control', 'treated'],
    ],
    starts: { treated: [0, 9], control: [3, 6] },
    totalSeconds: 12,
  },
  arms: { treated: { ...site, role: 'meshed' }, control: { ...site, role: 'plain' } },
  leadSeconds: 5,
  judged: ['p50', 'p95'],
  meshed: ['treated'],
} as unknown as Batch

const count = (secured: number, any: number): ProxyCount => ({ secured, any, isStandIn: true })

function log(starts: readonly number[], ms: number) {
  const loads = starts.map((start) => {
    const latencies = new Latencies()
    for (let request = 0; request < 300; request += 1) latencies.record(ms)
    const beganAt = (start + 1) * 1_000
    return { latencies, failed: 0, dropped: 0, beganAt, lastBeganAt: beganAt }
  })
  return { loads, sent: 1_200, complaint: undefined }
}

type Seen = Parameters<typeof blocksOf>[1]
const throttling = { periods: 3, readAt: 50_000 }
const quiet = { periods: 0, readAt: 50_000 }
const good: Seen = {
  logs: { treated: log([0, 9], 2), control: log([3, 6], 1) },
  before: {
    treated: { server: pod('meshed'), clients: [], count: count(100, 100) },
    control: { server: pod('plain'), clients: [], count: count(0, 0) },
  },
  after: {
    treated: { server: pod('meshed'), clients: [pod('k6', { node: 'apps-02' })], count: count(1_300, 2_500) },
    control: { server: pod('plain'), clients: [pod('k6', { node: 'apps-02' })], count: count(0, 0) },
  },
  started: { treated: new Map([['meshed', throttling]]), control: new Map() },
  ended: {
    treated: new Map([
      ['meshed', throttling],
      ['k6', quiet],
    ]),
    control: new Map([
      ['plain', quiet],
      ['k6', quiet],
    ]),
  },
}

const changed = (change: (seen: Seen) => void): string[][] => {
  const seen = structuredClone({ ...good, logs: undefined }) as unknown as Seen
  seen.logs = { treated: log([0, 9], 2), control: log([3, 6], 1) }
  change(seen)
  return blocksOf(batch, seen).blocks.map(({ reasons }) => reasons)
}

test('blocks of a batch in which nothing went wrong count, with what both arms took', () => {
  const { blocks, isStandIn } = blocksOf(batch, good)
  expect(blocks.map(({ reasons }) => reasons)).toEqual([[], []])
  expect(isStandIn).toBe(true)
  expect(blocks[0]?.block.treated.percentiles.p50).toBeCloseTo(2, 1)
  expect(blocks[0]?.latencies.control.count).toBe(300)
})

describe('all blocks of a batch are void when', () => {
  test.each<[string, (seen: Seen) => void, string]>([
    [
      'a single request may have gone past the mesh',
      ({ after }) => (after.treated.count = count(1_299, 2_500)),
      'treated: only 299 of 300 requests passed the treatment',
    ],
    [
      'the control went through a proxy',
      ({ after }) => (after.control.count = count(0, 5)),
      'control: 5 requests passed the treatment',
    ],
    [
      'a proxy does not tell',
      ({ after }) => (after.treated.count = undefined),
      'treated: no counter says which requests passed the treatment',
    ],
    [
      'a server was replaced',
      ({ after }) => (after.control.server = pod('plain', { uid: 'other' })),
      'control: plain is gone',
    ],
    [
      'a server restarted',
      ({ after }) => (after.treated.server = pod('meshed', { restartCount: 1 })),
      'treated: meshed restarted',
    ],
    [
      'k6 ran somewhere else',
      ({ after }) => (after.control.clients = [pod('k6', { node: 'apps-01' })]),
      'control: k6 moved from apps-02 to apps-01',
    ],
    [
      'k6 was held back',
      ({ ended }) => (ended.treated = new Map([...ended.treated, ['k6', { periods: 1, readAt: 50_000 }]])),
      'treated: k6 was throttled',
    ],
    [
      'a server was held back',
      ({ ended }) => (ended.treated = new Map([...ended.treated, ['meshed', { periods: 4, readAt: 50_000 }]])),
      'treated: meshed was throttled',
    ],
    [
      'no kubelet says whether a server was held back',
      ({ ended }) => (ended.control = new Map([['k6', quiet]])),
      'control: nobody says whether plain was throttled',
    ],
    [
      'nothing was injected into a pod',
      ({ after }) => (after.treated.clients = [pod('k6', { node: 'apps-02', isPlain: true })]),
      'treated: k6 has no proxy',
    ],
    ['k6 is not there any more', ({ after }) => (after.control.clients = []), 'control: k6 is gone'],
  ])('%s', (_, change, reason) => {
    expect(changed(change)).toEqual([[reason], [reason]])
  })
})

test('a block is void when its arms ran at once, or one did not begin', () => {
  expect(
    changed(({ logs }) => {
      const [first] = logs.control.loads
      if (first) first.beganAt = first.lastBeganAt = 1_400
    }),
  ).toEqual([['both arms were loaded at once, for 0.6 s: a pod of k6 started too late'], []])
  expect(
    changed(({ logs }) => {
      const [, second] = logs.treated.loads
      if (second) second.beganAt = undefined
      logs.treated.complaint = 'no such host'
    }),
  ).toEqual([[], ['treated: k6 did not begin, and said: no such host']])
})

test('a block is void when the generators of an arm began apart', () => {
  expect(
    changed(({ logs }) => {
      const [first] = logs.treated.loads
      if (first?.beganAt !== undefined) first.lastBeganAt = first.beganAt + 700
    }),
  ).toEqual([['the generators of an arm began 0.7 s apart'], []])
})
