import { createServer } from 'node:tls'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import { localTunnel, serve } from '../../fixtures/tunnels/local-tunnel.ts'
import { follow } from './exported-service.ts'
import { selfMadeIdentity } from './self-made-identity.ts'
import { hear, hearBehindTLS } from './strangers.ts'

const gateway = 'linkerd-gateway.linkerd-multicluster.serviceaccount.identity.linkerd.cluster.local'

describe('a first word', () => {
  const said = async (handle: Parameters<typeof serve>[0]) => {
    const { port, stop } = await serve(handle)
    onTestFinished(stop)
    return hear(localTunnel(port), Buffer.from('*1\r\n$4\r\nPING\r\n'), /^\+PONG/)
  }

  test('what comes back is counted, whatever it is', async () => {
    const answers = [
      await said((socket) => socket.end('+PONG\r\n')),
      await said((socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')),
      await said((socket) => socket.end()),
    ]
    expect(answers.map(({ attempt, bytes }) => `${attempt.outcome}, ${bytes}: ${attempt.detail}`))
      .toMatchInlineSnapshot(`
        [
          "answered, 7: 7 bytes came back",
          "wrong answer, 26: "HTTP/1.1 403 Forbidden\\r\\n\\r\\n" came back",
          "closed, 0: closed without a byte",
        ]
      `)
  })
})

describe('a handshake', () => {
  async function tlsServer(options: TlsOptions, handle: (socket: TLSSocket) => void) {
    const server = createServer({ ...(await selfMadeIdentity(gateway)), ...options }, handle).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => {})
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const shaken = async (port: number, version: 'TLSv1.2' | 'TLSv1.3', own = {}) => {
    const { attempt, bytes, tls } = await hearBehindTLS(localTunnel(port), { servername: gateway, version, ...own })
    return `${attempt.outcome}, ${bytes}, ${tls ?? 'no TLS'}: ${attempt.detail}`
  }

  test('that ends in good order gives nothing away; an answer behind it does', async () => {
    const closing = await tlsServer({}, (socket) => socket.end())
    const answering = await tlsServer({}, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    expect([await shaken(closing, 'TLSv1.3'), await shaken(answering, 'TLSv1.3')]).toMatchInlineSnapshot(`
      [
        "closed, 0, TLSv1.3: closed without a byte",
        "answered, 19, TLSv1.3: 19 bytes came back",
      ]
    `)
  })

  test('that is refused is no silence', async () => {
    const newest = await tlsServer({ minVersion: 'TLSv1.3' }, (socket) => socket.end())
    const mutual = await tlsServer({ requestCert: true, rejectUnauthorized: true }, (socket) => socket.end('hello'))
    const { port: deaf, stop } = await serve((socket) => socket.end())
    onTestFinished(stop)
    const ends = [
      await shaken(newest, 'TLSv1.2'),
      await shaken(mutual, 'TLSv1.3'),
      await shaken(mutual, 'TLSv1.3', await selfMadeIdentity(gateway)),
      await shaken(deaf, 'TLSv1.3'),
    ]
    // The length of a signature differs from key to key.
    expect(ends.map((end) => end.replace(/\d{4} bytes/, 'so many bytes'))).toMatchInlineSnapshot(`
      [
        "refused, 0, no TLS: refused by TLS: tlsv1 alert protocol version",
        "refused, 0, TLSv1.3: refused by TLS: tlsv13 alert certificate required",
        "closed, 0, TLSv1.3: closed after so many bytes",
        "closed, 0, no TLS: closed without a byte",
      ]
    `)
  })
})

describe('following an export', () => {
  const nothing = () => Promise.resolve()
  const look = (...seen: (number[] | undefined)[]) => {
    const left = [...seen]
    return () => Promise.resolve(left.length > 1 ? left.shift() : left[0])
  }
  const steps = [
    { name: 'appears' as const, act: nothing, isSeen: (ports?: number[]) => ports?.includes(8080) === true },
    { name: 'follows a port' as const, act: nothing, isSeen: (ports?: number[]) => ports?.join() === '8081' },
    { name: 'goes' as const, act: nothing, isSeen: (ports?: number[]) => ports === undefined },
  ]
  const told = async (options: Parameters<typeof follow>[1], all = steps) =>
    (await follow(all, options)).map(({ metadata, outcome, detail }) => `${metadata.name}: ${outcome}, ${detail}`)

  test('waits for each step', async () => {
    expect(await told({ look: look(undefined, [8080], [8080], [8081], undefined), deadline: deadlineIn(10_000) }))
      .toMatchInlineSnapshot(`
        [
          "appears: followed, the mirror has port 8080",
          "follows a port: followed, the mirror has port 8081",
          "goes: followed, there is no mirror",
        ]
      `)
  })

  test('what does not come in time ends it', async () => {
    expect(await told({ look: look([8080]), deadline: deadlineIn(10_000), patience: 50 })).toMatchInlineSnapshot(`
      [
        "appears: followed, the mirror has port 8080",
        "follows a port: not in time, the mirror has port 8080",
        "goes: not tried, the step before was not followed",
      ]
    `)
  })

  test('a step that is refused says nothing of mirrors', async () => {
    const [first, ...others] = steps
    const refused = { ...first, act: () => Promise.reject(new Error('infra refused POST')) } as (typeof steps)[number]
    await expect(told({ look: look(undefined), deadline: deadlineIn(10_000) }, [refused, ...others])).rejects.toThrow(
      'infra refused POST',
    )
  })

  test('nor does an answer that did not come', async () => {
    const lost = () => Promise.reject(new Error('apps: connection reset'))
    await expect(told({ look: lost, deadline: deadlineIn(10_000) })).rejects.toThrow('apps: connection reset')
  })
})
