import { expect, test } from 'vitest'
import { isUsable } from './probes.ts'

type Seen = Parameters<typeof isUsable>[0]

const probe = { name: 'probe' }
const awaited = { name: 'linkerd-proxy', lifecycle: { postStart: { exec: {} } } }
const running = { ready: true, started: true }

function pod(
  spec: Partial<Seen['spec']>,
  status: Partial<Seen['status']> & { isReady?: boolean; address?: string | undefined },
): Seen {
  const { isReady = false, address = '10.0.0.1', ...rest } = status
  return {
    metadata: { name: 'meshed-1' },
    spec: { initContainers: [], containers: [probe], ...spec },
    status: {
      phase: 'Running',
      podIP: address,
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
      containerStatuses: [{ name: 'probe', ...running }],
      initContainerStatuses: [],
      ...rest,
    },
  }
}

test('a pod without a proxy is usable when its program answers', () => {
  expect(isUsable(pod({}, {}))).toBe(true)
  expect(isUsable(pod({}, { containerStatuses: [{ name: 'probe', ready: false, started: true }] }))).toBe(false)
})

test('a meshed pod is usable before it is ready only where its program had to wait for the proxy', () => {
  const containerStatuses = [
    { name: 'linkerd-proxy', ready: false, started: true },
    { name: 'probe', ...running },
  ]
  expect(isUsable(pod({ containers: [awaited, probe] }, { containerStatuses }))).toBe(true)
  expect(isUsable(pod({ containers: [{ name: 'linkerd-proxy' }, probe] }, { containerStatuses }))).toBe(false)
  expect(isUsable(pod({ containers: [{ name: 'linkerd-proxy' }, probe] }, { containerStatuses, isReady: true }))).toBe(
    true,
  )
})

test('a native sidecar is waited for by its startup probe', () => {
  const native = { name: 'linkerd-proxy', startupProbe: { httpGet: {} } }
  const spec = { initContainers: [native] }
  const proxy = (isStarted: boolean) => [{ name: 'linkerd-proxy', ready: false, started: isStarted }]
  expect(isUsable(pod(spec, { initContainerStatuses: proxy(true) }))).toBe(true)
  expect(isUsable(pod(spec, { initContainerStatuses: proxy(false) }))).toBe(false)
  expect(isUsable(pod(spec, { initContainerStatuses: [] }))).toBe(false)
})

test('a pod without an address is of no use', () => {
  const { status, ...rest } = pod({}, { isReady: true })
  expect(isUsable({ ...rest, status: { ...status, podIP: undefined } })).toBe(false)
})
