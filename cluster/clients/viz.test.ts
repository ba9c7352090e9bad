import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import { deadlineIn } from '../../check/deadline.ts'
import type { Answer } from '../connection.ts'
import type { TapEvent } from './viz.ts'
import { NoDashboard, shownEdges, shownStats, tapEventIn, tapPod } from './viz.ts'

const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

const pod = { namespace: 'conformance-load', pod: 'known-1' }
const soon = () => deadlineIn(5_000)
const asked: string[] = []
const answering =
  (status: number, body: unknown) =>
  async (path: string): Promise<Answer> => {
    asked.push(path)
    return { status, text: JSON.stringify(body) }
  }

/** As linkerd-viz writes it: Protobuf as JSON, with every default. */
const summary = (stats: object | null) => ({
  ok: {
    statTables: [
      {
        podGroup: {
          rows: [
            {
              resource: { namespace: 'a', type: 'pod', name: 'known-1' },
              timeWindow: '1m',
              meshedPodCount: '1',
              runningPodCount: '1',
              stats,
            },
          ],
        },
      },
    ],
  },
})

describe('figures', () => {
  const ask = (status: number, body: unknown) =>
    shownStats(answering(status, body), { resource_type: 'pod', resource_name: 'known-1', namespace: 'a' }, soon())

  test('are numbers, whether they come as strings or not', async () => {
    const figures = { successCount: '148', failureCount: 50, latencyMsP50: '1', latencyMsP95: '3', latencyMsP99: '9' }
    expect(await ask(200, summary(figures))).toEqual([
      {
        resource: { namespace: 'a', name: 'known-1' },
        meshedPodCount: 1,
        runningPodCount: 1,
        stats: { successCount: 148, failureCount: 50, latencyMsP50: 1, latencyMsP95: 3, latencyMsP99: 9 },
      },
    ])
    expect(asked.at(-1)).toBe('/api/tps-reports?resource_type=pod&resource_name=known-1&namespace=a')
  })

  test('may be missing, at every level', async () => {
    expect((await ask(200, summary(null)))[0]?.stats).toBeNull()
    expect(await ask(200, { ok: { statTables: [{ podGroup: { rows: null } }] } })).toEqual([])
    expect(await ask(200, { ok: { statTables: null } })).toEqual([])
  })

  test('an answer that is none is an error, and a stand-in is one of its own', async () => {
    await expect(ask(500, { error: 'no such pod' })).rejects.toThrow(
      /^Linkerd Viz answered \/api\/tps-reports.* with 500: .*no such pod/,
    )
    await expect(ask(200, { error: { error: 'away' } })).rejects.toThrow(/with 200: .*away/)
    await expect(ask(404, { standIn: 'web' })).rejects.toThrow(NoDashboard)
  })
})

test('edges are pairs with the identities at their ends', async () => {
  const ends = {
    src: { namespace: 'a', type: 'pod', name: 'k6' },
    dst: { namespace: 'a', type: 'pod', name: 'known-1' },
  }
  const ask = (body: unknown) => shownEdges(answering(200, body), { resource_type: 'pod', namespace: 'a' }, soon())
  expect(await ask({ ok: { edges: [{ ...ends, clientId: 'c', serverId: 's' }] } })).toEqual([
    {
      src: { namespace: 'a', name: 'k6' },
      dst: { namespace: 'a', name: 'known-1' },
      clientId: 'c',
      serverId: 's',
      noIdentityMsg: '',
    },
  ])
  expect(await ask({ ok: { edges: null } })).toEqual([])
})

const requestInit = {
  id: { base: 1, stream: '2' },
  method: { registered: 'GET' },
  path: '/echo',
  headers: { headers: [{ name: 'User-Agent', valueStr: 'k6' }] },
}

test('of the events of tap, begins of requests and answers are taken', () => {
  expect(
    [
      { http: { requestInit } },
      { http: { responseInit: { httpStatus: 500 } } },
      { http: { responseEnd: {} } },
      {},
      7,
    ].map((event) => tapEventIn(JSON.stringify(event))),
  ).toEqual([
    { kind: 'request', method: 'GET', path: '/echo', headers: ['user-agent'] },
    { kind: 'response', status: 500, headers: [] },
    undefined,
    undefined,
    undefined,
  ])
})

/** A dashboard on loopback whose tap does as said. */
async function tapping(serve: (socket: WebSocket, request: unknown) => void) {
  const server = createServer((_, response) => response.writeHead(404).end(JSON.stringify({ standIn: 'web' })))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const sockets = new WebSocketServer({ server, path: '/api/tap' })
  sockets.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => serve(socket, JSON.parse(data.toString()))),
  )
  closing.push(() => {
    sockets.close()
    server.close()
    server.closeAllConnections()
  })
  return connect((server.address() as AddressInfo).port, '127.0.0.1')
}

describe('tap', () => {
  test('is asked for a pod with its headers, and ends when there is enough', async () => {
    let wanted: unknown
    const stream = await tapping((socket, request) => {
      wanted = request
      for (let index = 0; index < 3; index += 1) socket.send(JSON.stringify({ http: { requestInit } }))
    })
    const events: TapEvent[] = []
    await tapPod(stream, pod, (event) => (events.push(event) === 2 ? 'enough' : 'more'), soon())
    expect(events.length).toBeGreaterThanOrEqual(2)
    expect(wanted).toEqual({ resource: 'pod/known-1', namespace: 'conformance-load', maxRps: 100, extract: true })
  })

  test('that is not allowed says why', async () => {
    const stream = await tapping((socket) => socket.close(1008, 'missing authorization'))
    await expect(tapPod(stream, pod, () => 'more', soon())).rejects.toThrow(
      'tap was closed with 1008: missing authorization',
    )
  })

  test('ends with its deadline', async () => {
    const stream = await tapping(() => {})
    await expect(tapPod(stream, pod, () => 'more', deadlineIn(100))).resolves.toBeUndefined()
  })

  test('of a stand-in is none', async () => {
    const server = createServer((_, response) => response.writeHead(404).end(JSON.stringify({ standIn: 'web' })))
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    closing.push(() => server.close())
    const stream = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await expect(tapPod(stream, pod, () => 'more', soon())).rejects.toThrow(NoDashboard)
  })
})
