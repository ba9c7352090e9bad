import { PassThrough } from 'node:stream'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import packet from 'dns-packet'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../check/deadline.ts'
import { localTunnel, serve } from '../fixtures/tunnels/local-tunnel.ts'
import type { Ending } from './channels.ts'
import { TransportError } from './connection.ts'
import { attemptThatFailed, endOf, resolveFrom, Tunnel } from './tunnel.ts'

const served = async (handle: Parameters<typeof serve>[0]) => {
  const { port, stop } = await serve(handle)
  onTestFinished(stop)
  return port
}

/** A tunnel whose nc ends as said. */
const ending = (end: Ending, errors: string) =>
  new Tunnel(() => {
    const stream = new PassThrough()
    stream.end()
    return Promise.resolve({ stream, ended: Promise.resolve(end), errors: () => errors })
  }, deadlineIn(1_000))

const failureOf = async (tunnel: Tunnel) => {
  tunnel.resume()
  return attemptThatFailed(await once(tunnel, 'close').catch((error: unknown) => error), tunnel)
}

describe('a tunnel', () => {
  test('carries both directions, and tells clients when it is open', async () => {
    const port = await served((socket) => socket.pipe(socket))
    const tunnel = localTunnel(port)
    expect(tunnel.connecting).toBe(true)
    await once(tunnel, 'connect')
    tunnel.setNoDelay().setKeepAlive().setTimeout().ref().unref().connect().end('there and back')
    expect(await text(tunnel)).toBe('there and back')
    expect([tunnel.bytesRead, tunnel.ending]).toEqual([14, { outcome: 'closed', detail: 'closed after 14 bytes' }])
  })

  test('what is written before it is open is not lost', async () => {
    const port = await served((socket) => socket.pipe(socket))
    const tunnel = localTunnel(port)
    tunnel.end('early')
    expect(await text(tunnel)).toBe('early')
  })

  test('a server that closes without a word ends it, in good order', async () => {
    const tunnel = localTunnel(await served((socket) => socket.end()))
    expect(await failureOf(tunnel)).toEqual({ outcome: 'closed', detail: 'closed without a byte' })
  })

  test('a name that nobody knows is an error of its own', async () => {
    const said = 'nc: getaddrinfo for host "minio-infra" port 9000: Name does not resolve\n'
    expect(await failureOf(ending({ state: 'exited', code: 1 }, said))).toEqual({
      outcome: 'no name',
      detail: 'nc: getaddrinfo for host "minio-infra" port 9000: Name does not resolve',
    })
  })

  test('a probe that runs no command says nothing of the way', async () => {
    const tunnel = new Tunnel(() => Promise.reject(new TransportError('GET /exec answered 403')), deadlineIn(1_000))
    expect(await failureOf(tunnel)).toEqual({ outcome: 'unknown', detail: 'GET /exec answered 403' })
  })

  test('the deadline makes it too slow', async () => {
    const deadline = deadlineIn(0)
    const tunnel = new Tunnel(async () => {
      await once(deadline.signal, 'abort')
      throw new TransportError('no stream')
    }, deadline)
    expect(await failureOf(tunnel)).toEqual({ outcome: 'too slow', detail: 'no answer in time' })
  })
})

test('what the end of nc says of the connection', () => {
  const quick = { received: 0, quietMs: 3 }
  const exited = (code: number): Ending => ({ state: 'exited', code })
  const lost = (reason: string): Ending => ({ state: 'lost', reason })
  const ends = [
    endOf(exited(0), '', quick),
    endOf(exited(0), 'Connection to 10.0.0.1 5432 port [tcp/*] succeeded!', { received: 7, quietMs: 3 }),
    endOf(exited(0), '', { received: 0, quietMs: 5_010 }),
    endOf(exited(1), 'nc: getaddrinfo for host "x" port 1: Name does not resolve\n', quick),
    endOf(exited(1), 'nc: getaddrinfo for host "x" port 1: Try again\n', quick),
    endOf(exited(1), 'nc: connect to 10.0.0.1 port 1 (tcp) failed: Connection refused\n', quick),
    endOf(exited(1), 'nc: connect to 10.9.9.9 port 1 (tcp) failed: Host is unreachable\n', quick),
    endOf(exited(1), 'nc: connect to 10.9.9.9 port 1 (tcp) failed: Network unreachable\n', quick),
    endOf(exited(1), 'nc: connect to 10.9.9.9 port 1 (tcp) timed out: Operation in progress\n', quick),
    endOf(exited(1), 'read tcp 10.0.0.2:1->10.0.0.1:2: read: connection reset by peer\n', quick),
    endOf(exited(137), '', quick),
    endOf(lost('the connection closed before the command said how it ended'), '', quick),
    endOf(lost('the command did not end in time'), '', quick),
  ]
  expect(ends.map(({ outcome, detail }) => `${outcome}: ${detail}`)).toMatchInlineSnapshot(`
    [
      "closed: closed without a byte",
      "closed: closed after 7 bytes",
      "too slow: nothing came for 5 s",
      "no name: nc: getaddrinfo for host "x" port 1: Name does not resolve",
      "unknown: nc: getaddrinfo for host "x" port 1: Try again",
      "refused: nc: connect to 10.0.0.1 port 1 (tcp) failed: Connection refused",
      "no route: nc: connect to 10.9.9.9 port 1 (tcp) failed: Host is unreachable",
      "no route: nc: connect to 10.9.9.9 port 1 (tcp) failed: Network unreachable",
      "too slow: nc: connect to 10.9.9.9 port 1 (tcp) timed out: Operation in progress",
      "closed: read tcp 10.0.0.2:1->10.0.0.1:2: read: connection reset by peer",
      "unknown: nc ended with 137",
      "unknown: the connection closed before the command said how it ended",
      "too slow: no answer in time",
    ]
  `)
})

describe('DNS through a tunnel', () => {
  const answering = (rcode: number, addresses: string[], changeId = 0) =>
    served((socket) =>
      socket.once('data', (data) => {
        const { id = 0, questions = [] } = packet.streamDecode(data)
        const answers = addresses.map((address) => ({
          type: 'A' as const,
          name: questions[0]?.name ?? '',
          data: address,
        }))
        const bytes = packet.streamEncode({ type: 'response', id: id + changeId, flags: rcode, questions, answers })
        // In two pieces: TCP keeps no boundaries.
        socket.write(bytes.subarray(0, 1))
        setTimeout(() => socket.end(bytes.subarray(1)), 10)
      }),
    )
  const ask = async (port: number) =>
    resolveFrom(() => localTunnel(port), 'postgres-rw-infra.databases.svc.cluster.local').catch((error: unknown) =>
      String(error),
    )

  test('gives the addresses', async () => {
    expect(await ask(await answering(0, ['10.97.0.7']))).toEqual({ rcode: 'NOERROR', addresses: ['10.97.0.7'] })
  })

  test('tells a name that does not exist from a server that fails', async () => {
    expect(await ask(await answering(3, []))).toEqual({ rcode: 'NXDOMAIN', addresses: [] })
    expect(await ask(await answering(2, []))).toEqual({ rcode: 'SERVFAIL', addresses: [] })
  })

  test('a server that answers nothing, or another question, is no answer', async () => {
    expect(await ask(await served((socket) => socket.end()))).toBe('TunnelError: closed without a byte')
    expect(await ask(await answering(0, [], 1))).toBe('Error: the DNS server answered another question')
  })
})
