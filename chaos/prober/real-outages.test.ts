import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { monotonicNow } from '../clocks/attempts.ts'
import { outagesIn } from '../clocks/outages.ts'
import { startProber } from './probers.ts'

const outages = 10
const stability = { successes: 10, heldMs: 400 }

/** However busy the machine is: an outage counts when the prober felt it, and ends when it felt that. */
async function until(look: () => boolean): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop
  while (!look()) await sleep(20)
}

function isBack(log: readonly { sentAt: number; ok: boolean }[]): boolean {
  const since = log.slice(log.findLastIndex(({ ok }) => !ok) + 1)
  const held = (since.at(-1)?.sentAt ?? 0) - (since[0]?.sentAt ?? 0)
  return since.length > stability.successes + 5 && held > stability.heldMs + 200
}

const answering = () => createServer((_, response) => response.end('here'))

test(
  `${outages} outages of a real server lie inside the intervals of a real prober`,
  { timeout: 180_000 },
  async () => {
    let server = answering().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const prober = startProber({ do: 'get', url: `http://127.0.0.1:${port}/`, periodMs: 20, timeoutMs: 10_000 })
    onTestFinished(async () => {
      await prober.stop()
      server.closeAllConnections()
      server.close()
    })
    const truths: { lower: number; upper: number }[] = []
    /* oxlint-disable no-await-in-loop */
    while (prober.log.length < 10) await sleep(50)
    for (let index = 0; index < outages; index += 1) {
      const closing = monotonicNow()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      const closed = monotonicNow()
      await sleep(150 + 60 * index)
      await until(() => prober.log.some(({ sentAt, ok }) => sentAt > closed && !ok))
      server = answering()
      const opening = monotonicNow()
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      truths.push({ lower: opening - closed, upper: monotonicNow() - closing })
      const opened = monotonicNow()
      await until(() => isBack(prober.log.filter(({ sentAt }) => sentAt > opened)))
    }
    /* oxlint-enable no-await-in-loop */
    const log = await prober.stop()
    const seen = outagesIn(log, stability)
    // At either end lies what was between two operations, and how long they took: more where the machine is busy.
    const between = log.map(({ sentAt }, index) => sentAt - (log[index - 1]?.sentAt ?? sentAt))
    const widest = 2 * (Math.max(...between) + Math.max(...log.map(({ sentAt, endedAt }) => endedAt - sentAt)))
    expect(prober.failure()).toBeUndefined()
    expect(seen.outages).toHaveLength(outages)
    for (const [index, { lengthMs }] of seen.outages.entries()) {
      expect(lengthMs.lower).toBeLessThanOrEqual(truths[index]?.upper ?? 0)
      expect(lengthMs.upper).toBeGreaterThanOrEqual(truths[index]?.lower ?? Infinity)
      // An interval that held everything would prove nothing.
      expect(lengthMs.upper - lengthMs.lower).toBeLessThanOrEqual(widest)
    }
  },
)

test('a prober that cannot work says so, and is not taken for one that saw nothing wrong', async () => {
  const order = { do: 'api', kubeconfig: '/nowhere', context: 'none', path: '/', isWrite: false } as const
  const prober = startProber({ ...order, periodMs: 50, timeoutMs: 100 })
  await expect.poll(() => prober.failure(), { timeout: 20_000 }).toMatch(/ended with 1: .*nowhere/)
  expect(await prober.stop()).toEqual([])
})
