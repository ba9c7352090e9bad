import { describe, expect, test } from 'vitest'
import type { Block } from './blocks.ts'
import type { Fault } from './calibration.ts'
import { calibrate } from './calibration.ts'
import { startDelayingProxy, startServer } from './delaying-proxy.ts'
import { blockText, foundText } from './figures.ts'
import type { Load } from './k6.ts'
import type { Samples } from './k6-samples.ts'
import { Latencies, fewestRequests } from './latencies.ts'
import { randomFrom } from './random.ts'

const together = 20

/** Sends as many requests as k6 would, some at a time, and gives up on an arm that does not answer. */
async function generate({ target }: Load): Promise<Samples> {
  const samples: Samples = { latencies: new Latencies(), failed: 0, dropped: 0 }
  const send = async () => {
    const began = performance.now()
    const response = await fetch(target).catch(() => undefined)
    if ((await response?.text()) !== 'ok') return false
    samples.latencies.record(performance.now() - began)
    return true
  }
  for (let sent = 0; sent < fewestRequests; sent += together) {
    // oxlint-disable-next-line no-await-in-loop -- not all at once
    const answered = await Promise.all(Array.from({ length: together }, send))
    if (answered.includes(false)) return { ...samples, failed: 1 }
  }
  return samples
}

async function calibrated(change: { delayMs?: number; fault?: Fault; blocks?: number }) {
  const seen: { block: Block; reasons: readonly string[] }[] = []
  const result = await calibrate({
    delayMs: change.delayMs ?? 0,
    fault: change.fault,
    blocks: change.blocks ?? 1,
    load: { rate: fewestRequests, warmUpSeconds: 0, seconds: 1 },
    random: randomFrom(3),
    runK6: generate,
    onBlock: (block, reasons) => seen.push({ block, reasons }),
  })
  return { ...result, seen }
}

test('a delaying proxy passes the answer on, not before its time, and counts', async () => {
  const server = await startServer()
  const proxy = await startDelayingProxy(server.url, 20)
  const began = performance.now()
  expect(await (await fetch(proxy.url)).text()).toBe('ok')
  expect(performance.now() - began).toBeGreaterThanOrEqual(20)
  expect(proxy.passed()).toBe(1)
  await server.close()
  expect((await fetch(proxy.url)).status).toBe(502)
  await proxy.close()
})

describe('a calibration', () => {
  test('finds the delay that was put in', { timeout: 60_000 }, async () => {
    const { counted, found } = await calibrated({ delayMs: 15, blocks: 5 })
    expect(counted).toHaveLength(5)
    // A busy machine adds to it; what must not happen is that less is found than was put in.
    expect(found?.p50?.differenceMs.estimate).toBeGreaterThan(10)
    expect(foundText({ counted, found })).toHaveLength(3)
  })

  test('of swapped arms, and of a dead one, has no result', { timeout: 60_000 }, async () => {
    const swapped = await calibrated({ fault: 'swapped' })
    expect(swapped.found).toBeUndefined()
    expect(swapped.seen.map(({ reasons }) => reasons)).toEqual([
      [
        `treated: only 0 of ${fewestRequests} requests passed the treatment`,
        `control: ${fewestRequests} requests passed the treatment`,
      ],
    ])
    const dead = await calibrated({ fault: 'dead' })
    expect(foundText(dead)).toEqual(['no result: 0 blocks count, 5 are needed'])
    expect(dead.seen.map(({ block, reasons }) => blockText(block, reasons))).toEqual([
      expect.stringMatching(/^void: control: 1 of 0 requests failed/),
    ])
  })
})
