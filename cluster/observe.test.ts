import { expect, test } from 'vitest'
import { deadlineIn } from '../check/deadline.ts'
import type { Source } from '../check/source.ts'
import { loadPlatform } from '../platform/platform.ts'
import type { Connection } from './connection.ts'
import { reachability } from './kinds/observations.ts'
import { observeAll } from './observe.ts'
import type { ObservingRun } from './observe.ts'

const plain = { name: 'plain-1', role: 'plain' as const, node: 'node-1', address: '10.0.0.1' }
const probes = {
  run: { id: 'test', holder: 'test', startedAt: new Date() },
  on: {
    infra: { pods: [plain], notReady: [], owner: { id: 'test', uid: 'u' } },
    apps: { pods: [plain], notReady: [], owner: { id: 'test', uid: 'u' } },
  },
}

/** A probe that passes a long message on gets the same one back. */
function saysItBack(path: string): string | undefined {
  const message = new URLSearchParams(path.split('?')[1]).get('request')?.split('echo?msg=')[1]
  return message === undefined ? undefined : JSON.stringify({ responses: [message, message, message] })
}

/** A cluster whose Services can be read, and whose probe answers like this. */
const answering = (status: number, text: string): Connection => ({
  context: 'infra',
  server: 'https://127.0.0.1:1',
  get: async (path) =>
    path.includes('/dial')
      ? { status, text: saysItBack(path) ?? text }
      : { status: 200, text: JSON.stringify({ spec: { clusterIP: '10.0.0.2' } }) },
  send: () => Promise.reject(new Error('nothing is changed here')),
  upgrade: () => Promise.reject(new Error('no stream is opened here')),
  certificate: () => Promise.reject(new Error('no certificate is looked at here')),
  close: async () => {},
})

async function reachabilityWith(status: number, answer: unknown, run: Partial<ObservingRun> = {}) {
  const connection = answering(status, typeof answer === 'string' ? answer : JSON.stringify(answer))
  const sources: Source<unknown>[] = [reachability]
  const seen = await observeAll(
    sources,
    { infra: {}, apps: {} },
    {
      connections: { infra: connection, apps: connection },
      names: loadPlatform().names,
      deadline: deadlineIn(5_000),
      probes: async () => probes,
      ...run,
    },
  )
  return seen.infra[reachability.id]
}

test('what a probe saw is listed, good or bad', async () => {
  const good = await reachabilityWith(200, { responses: ['plain-1', 'plain-1', 'plain-1'] })
  expect(good).toMatchObject({ state: 'listed', items: [{ attempt: { outcome: 'answered' } }, {}, {}] })
  const bad = await reachabilityWith(200, { errors: ['dial tcp 10.0.0.1:8080: connect: connection refused'] })
  expect(bad).toMatchObject({ state: 'listed', items: [{ attempt: { outcome: 'refused' } }, {}, {}] })
})

test('a probe that cannot be asked says nothing of the network: the observation was not made', async () => {
  expect(await reachabilityWith(403, 'pods/proxy is forbidden')).toEqual({
    state: 'unreachable',
    reason: 'probe plain-1 answered 403: pods/proxy is forbidden',
  })
})

test('what did not get through is observed once more, and said; what was observed is not, good or bad', async () => {
  const told: string[] = []
  let lost = 1
  const answer = JSON.stringify({ errors: ['dial tcp 10.0.0.1:8080: connect: connection refused'] })
  const flaky: Connection = {
    ...answering(200, answer),
    get: async (path, deadline) =>
      path.includes('/dial') && lost-- > 0
        ? { status: 502, text: 'the stream was lost' }
        : answering(200, answer).get(path, deadline),
  }
  const seen = await reachabilityWith(
    200,
    {},
    {
      connections: { infra: flaky, apps: answering(200, answer) },
      tell: (text) => told.push(text),
    },
  )
  expect(seen).toMatchObject({ state: 'listed', items: [{ attempt: { outcome: 'refused' } }, {}, {}] })
  expect(told).toEqual(['reachability of infra is observed again: probe plain-1 answered 502: the stream was lost'])
})

test('without probes the observation says why there are none', async () => {
  const off = { state: 'absent' as const, reason: 'probes are off (--read-only)' }
  expect(await reachabilityWith(200, {}, { probes: async () => off })).toEqual(off)
})
