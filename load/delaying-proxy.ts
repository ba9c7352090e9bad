import type { Server } from 'node:http'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

/** An HTTP server on the loopback address. */
export type Listening = { url: string; close: () => Promise<void> }
export type DelayingProxy = Listening & {
  /** Requests that have passed so far. */
  passed: () => number
}

async function listen(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${port}/`, close }
}

export const startServer = (): Promise<Listening> => listen(createServer((_, response) => response.end('ok')))

/** Passes requests on, and answers `delayMs` after the answer came. */
export async function startDelayingProxy(upstream: string, delayMs: number): Promise<DelayingProxy> {
  const agent = new Agent({ keepAlive: true })
  let passed = 0
  const server = createServer((incoming, outgoing) => {
    passed += 1
    const onward = request(upstream, { agent, method: incoming.method ?? 'GET' })
    onward.on('response', (answer) => {
      void pause(delayMs).then(() => {
        outgoing.writeHead(answer.statusCode ?? 502)
        answer.pipe(outgoing)
      })
    })
    onward.on('error', () => {
      if (!outgoing.headersSent) outgoing.writeHead(502)
      outgoing.end()
    })
    incoming.pipe(onward)
  })
  const { url, close } = await listen(server)
  return {
    url,
    passed: () => passed,
    close: async () => {
      agent.destroy()
      await close()
    },
  }
}

/** Timers of Node are late by up to a millisecond, which is as much as is to be measured: the rest is waited for by turns. */
async function pause(ms: number): Promise<void> {
  const end = performance.now() + ms
  if (ms > 2) await sleep(ms - 2)
  while (performance.now() < end) await nextTurn() // oxlint-disable-line no-await-in-loop -- until it is time
}
