import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Guard } from './watch.ts'
import { watch } from './watch.ts'

const nobody = async () => undefined

/** Watches for a moment, and returns what the load was stopped for. */
async function watched(guards: Guard[], findOther: () => Promise<string | undefined> = nobody): Promise<string[]> {
  const leave = new AbortController()
  const reasons: string[] = []
  const watching = watch(guards, findOther, (reason) => reasons.push(reason), { signal: leave.signal, pauseMs: 5 })
  await Promise.race([watching, sleep(300)])
  leave.abort()
  await watching
  return reasons
}

const answering = (complaints: boolean[]): Guard => {
  let asked = 0
  return {
    what: 'shop/checkout on apps',
    maxMs: 1_000,
    ask: async () => {
      asked += 1
      if (complaints[Math.min(asked, complaints.length) - 1]) throw new Error('answered 503')
    },
  }
}

test('a service that answers well stops nothing, and neither does a single bad answer', async () => {
  expect(await watched([answering([false])])).toEqual([])
  expect(await watched([answering([true, true, false])])).toEqual([])
})

test('a service that suffers three times in a row stops the load, once', async () => {
  expect(await watched([answering([false, true, true, true])])).toEqual([
    'shop/checkout on apps did not answer well (answered 503), 3 times in a row',
  ])
})

test('a service that becomes slow stops the load', async () => {
  const slow = { what: 'shop/checkout on apps', maxMs: 5, ask: () => sleep(20) }
  expect(await watched([slow])).toEqual([
    expect.stringMatching(/^shop\/checkout on apps took \d+ ms, 5 are allowed, 3 times in a row$/),
  ])
})

test('another run stops the load at once; who cannot be asked does not', async () => {
  expect(await watched([], async () => 'another run (host/7) has conformance-probes on infra')).toEqual([
    'another run (host/7) has conformance-probes on infra',
  ])
  expect(await watched([], () => Promise.reject(new Error('timed out')))).toEqual([])
})
