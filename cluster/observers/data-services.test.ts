import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import RedisParser from 'redis-parser'
import aws4 from 'aws4'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import { fakePostgres } from '../../fixtures/tunnels/fake-postgres.ts'
import { localTunnel, serve } from '../../fixtures/tunnels/local-tunnel.ts'
import { attemptOf, dragonflySession, minioSession, postgresSession, serverOf, sessions } from './data-services.ts'
import type { Session } from './data-services.ts'

const sentence = async (port: number, run: Parameters<typeof sessions>[2]) => {
  const { attempts, facts } = await sessions((deadline) => localTunnel(port, deadline), deadlineIn(5_000), run)
  const said = attempts.map(({ outcome, detail }) => `${outcome}: ${detail}`)
  return { said: [...new Set(said)], tried: said.length, facts }
}
const served = async (handle: (socket: Socket) => void) => {
  const { port, stop } = await serve(handle)
  onTestFinished(stop)
  return port
}

describe('Postgres', () => {
  const account = { user: 'app', password: 'planted', database: 'app' }
  const healthy = { version: '15.14', address: '10.244.1.5', recovery: false, database: 'app' }
  const sessionWith = async (script: Parameters<typeof fakePostgres>[0], seen = true) => {
    const { port, stop } = await fakePostgres(script)
    onTestFinished(stop)
    return sentence(port, (session: Session) => postgresSession(session, account, () => Promise.resolve(seen)))
  }

  test('tells what it is', async () => {
    expect(await sessionWith({ row: healthy })).toMatchInlineSnapshot(`
      {
        "facts": {
          "address": "10.244.1.5",
          "database": "app",
          "isInRecovery": false,
          "seenOnInfra": true,
          "version": "15.14",
        },
        "said": [
          "answered: Postgres 15.14",
        ],
        "tried": 3,
      }
    `)
  })

  test('a server without an address, and one in recovery, are told', async () => {
    const { facts } = await sessionWith({ row: { ...healthy, address: null, recovery: true } })
    expect(facts).toEqual({ version: '15.14', database: 'app', isInRecovery: true, seenOnInfra: true })
  })

  test('each wrong end has its own words', async () => {
    const refusals = [
      { code: '28P01', message: 'password authentication failed for user "app"' },
      { code: '3D000', message: 'database "app" does not exist' },
      { code: '57P03', message: 'the database system is starting up' },
    ]
    const said = [
      (await sessionWith({ row: { ...healthy, database: 'other' } })).said,
      (await sessionWith({ row: healthy }, false)).said,
      ...(await Promise.all(refusals.map(async (refusal) => (await sessionWith({ refusal })).said))),
    ]
    expect(said.flat()).toMatchInlineSnapshot(`
      [
        "wrong answer: is database other, not app",
        "wrong answer: answers, but Postgres of infra has no such session",
        "wrong answer: the password is not accepted: password authentication failed for user "app"",
        "wrong answer: there is no such database: database "app" does not exist",
        "wrong answer: the server does not take sessions now: the database system is starting up",
      ]
    `)
  })

  test('a door that closes is not a wrong answer', async () => {
    const port = await served((socket) => socket.end())
    expect((await sentence(port, (session) => postgresSession(session, account, undefined))).said)
      .toMatchInlineSnapshot(`
        [
          "closed: closed without a byte",
        ]
      `)
  })

  test('a witness that cannot look does not make a session wrong', async () => {
    const { port, stop } = await fakePostgres({ row: healthy })
    onTestFinished(stop)
    const blind = () => Promise.reject(new Error('nobody on infra could look for it: closed without a byte'))
    expect((await sentence(port, (session) => postgresSession(session, account, blind))).said).toMatchInlineSnapshot(`
      [
        "unknown: nobody on infra could look for it: nobody on infra could look for it: closed without a byte",
      ]
    `)
  })
})

/** A server that answers as a table says; an unknown command is an error. */
const fakeRedis = (answers: (words: string[]) => string) =>
  served((socket) => {
    const parser = new RedisParser({
      returnReply: (words: string[]) => socket.write(answers(words)),
      returnError: () => socket.destroy(),
    })
    socket.on('data', (data: Buffer) => parser.execute(data))
  })

describe('Dragonfly', () => {
  const store = new Map<string, string>()
  const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
  const dragonfly = ([command = '', key = '', value = '']: string[]): string => {
    if (command === 'AUTH') return key === 'right' ? '+OK\r\n' : '-WRONGPASS invalid username-password pair\r\n'
    if (command === 'PING') return '+PONG\r\n'
    if (command === 'INFO') return bulk('# Server\r\nredis_version:7.4.0\r\ndragonfly_version:df-v1.34.1\r\n')
    if (command === 'SET') store.set(key, value)
    if (command === 'SET') return '+OK\r\n'
    if (command === 'GET') return store.has(key) ? bulk(store.get(key) ?? '') : '$-1\r\n'
    if (command === 'TTL') return ':60\r\n'
    if (command === 'DEL') return `:${store.delete(key) ? 1 : 0}\r\n`
    return `-ERR unknown command '${command}'\r\n`
  }
  const use = async (answers: (words: string[]) => string, password: string | undefined = 'right') =>
    sentence(await fakeRedis(answers), (session) => dragonflySession(session, { password }))
  const but = (command: string, answer: string) => (words: string[]) =>
    words[0] === command ? answer : dragonfly(words)

  test('keeps a key, lets it expire and forgets it', async () => {
    expect(await use(dragonfly)).toMatchInlineSnapshot(`
    {
      "facts": {
        "server": "dragonfly v1.34.1",
      },
      "said": [
        "answered: dragonfly v1.34.1",
      ],
      "tried": 3,
    }
  `)
    expect(store.size).toBe(0)
  })

  test('each wrong end has its own words', async () => {
    const said = [
      (await use(dragonfly, 'wrong')).said,
      (await use(but('PING', '-NOAUTH Authentication required.\r\n'))).said,
      (await use(but('GET', bulk('something else')))).said,
      (await use(but('TTL', ':-1\r\n'))).said,
      (await use(but('DEL', ':0\r\n'))).said,
      (await use(but('SET', '-READONLY You can not write against a read only replica.\r\n'))).said,
      (await use(but('PING', 'HTTP/1.1 400 Bad Request\r\n'))).said,
      (
        await sentence(await served((socket) => socket.end()), (session) =>
          dragonflySession(session, { password: 'right' }),
        )
      ).said,
    ]
    expect(said.flat()).toMatchInlineSnapshot(`
        [
          "wrong answer: WRONGPASS invalid username-password pair",
          "wrong answer: NOAUTH Authentication required.",
          "wrong answer: gave another value back than it was given",
          "wrong answer: does not expire keys: TTL is -1",
          "wrong answer: still has a key that was deleted",
          "wrong answer: READONLY You can not write against a read only replica.",
          "failed: what answers does not speak Redis' protocol: Protocol error, got "H" as reply type byte",
          "closed: closed without a byte",
        ]
      `)
  })

  test('a server is called by its own name', () => {
    expect([
      serverOf('redis_version:7.4.0\r\n'),
      serverOf('dragonfly_version:df-v1.34.1\nredis_version:7\n'),
      serverOf(''),
    ]).toEqual(['redis 7.4.0', 'dragonfly v1.34.1', 'of no known name'])
  })
})

describe('MinIO', () => {
  const account = { accessKeyId: 'minio-root', secretAccessKey: 'planted' }
  type Override = (method: string, path: string) => { status: number; code?: string; body?: Buffer } | undefined

  /** Keeps objects, and takes no request whose signature it does not come to itself. */
  async function fakeMinIO(override: Override = () => undefined) {
    const kept = new Map<string, Buffer>()
    const server = createServer((request, response) => {
      void buffer(request).then((body) => {
        const { method = '', url = '', headers } = request
        const end = (status: number, content: Buffer | string = '') => {
          response.statusCode = status
          response.end(content)
        }
        const error = (status: number, code: string) => end(status, `<Error><Code>${code}</Code></Error>`)
        const instead = override(method, url)
        if (instead)
          return instead.code === undefined ? end(instead.status, instead.body) : error(instead.status, instead.code)
        if (url === '/minio/health/cluster') return end(200)
        const signed = aws4.sign(
          {
            method,
            path: url,
            service: 's3',
            region: 'us-east-1',
            headers: {
              Host: headers.host,
              'X-Amz-Date': headers['x-amz-date'],
              'X-Amz-Content-Sha256': headers['x-amz-content-sha256'],
              ...(headers['content-length'] === undefined || body.length === 0
                ? {}
                : { 'content-length': headers['content-length'] }),
            },
            ...(body.length === 0 ? {} : { body }),
          },
          account,
        )
        if (signed.headers?.['Authorization'] !== headers.authorization) return error(403, 'SignatureDoesNotMatch')
        if (method === 'PUT') kept.set(url, body)
        if (method === 'DELETE') kept.delete(url)
        if (method === 'GET') return kept.has(url) ? end(200, kept.get(url)) : error(404, 'NoSuchKey')
        return end(method === 'DELETE' ? 204 : 200)
      })
    }).listen(0, '127.0.0.1')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    await once(server, 'listening')
    return { port: (server.address() as AddressInfo).port, kept }
  }
  const where = {
    host: 'minio.storage.svc.cluster.local:9000',
    bucket: 'conformance-run',
    documentedBucket: 'gitlab-lfs',
  }
  const use = async (override?: Override, own = account) => {
    const { port, kept } = await fakeMinIO(override)
    const result = await sentence(port, (session) => minioSession(session, { ...where, account: own }))
    return { ...result, left: [...kept.keys()] }
  }

  test('takes an object, gives it back and forgets it, in a bucket of the probe', async () => {
    expect(await use()).toMatchInlineSnapshot(`
      {
        "facts": {
          "bucket": "conformance-run",
          "health": 200,
        },
        "left": [],
        "said": [
          "answered: 4096 bytes put, got and deleted",
        ],
        "tried": 3,
      }
    `)
  })

  test('what a killed run left goes with the next one', async () => {
    const { port, kept } = await fakeMinIO((method, path) =>
      method === 'PUT' && path === '/conformance-run' ? { status: 409, code: 'BucketAlreadyOwnedByYou' } : undefined,
    )
    kept.set('/conformance-run', Buffer.of())
    kept.set('/conformance-run/probe', Buffer.from('of the run before'))
    const { said } = await sentence(port, (session) => minioSession(session, { ...where, account }))
    expect({ said, left: [...kept.keys()] }).toEqual({ said: ['answered: 4096 bytes put, got and deleted'], left: [] })
  })

  test('where it may make no bucket, the probe writes to a documented one and says so', async () => {
    const { facts, said, left } = await use((method, path) =>
      method === 'PUT' && path === '/conformance-run' ? { status: 403, code: 'AccessDenied' } : undefined,
    )
    expect({ facts, said, left }).toMatchInlineSnapshot(`
      {
        "facts": {
          "bucket": "gitlab-lfs",
          "bucketBecause": "a bucket of the probe's own is refused: 403 AccessDenied",
          "health": 200,
        },
        "left": [],
        "said": [
          "answered: 4096 bytes put, got and deleted",
        ],
      }
    `)
  })

  test('each wrong end has its own words', async () => {
    const on =
      (method: string, path: string, answer: ReturnType<Override>): Override =>
      (...asked) =>
        asked[0] === method && asked[1] === path ? answer : undefined
    const object = '/conformance-run/probe'
    const said = [
      (await use(undefined, { ...account, secretAccessKey: 'another' })).said,
      (await use(on('PUT', '/conformance-run', { status: 507, code: 'XMinioStorageFull' }))).said,
      (await use(on('PUT', object, { status: 503, code: 'SlowDown' }))).said,
      (await use(on('GET', object, { status: 200, body: Buffer.from('other') }))).said,
      (await use(on('DELETE', object, { status: 403, code: 'AccessDenied' }))).said,
      (await use(on('GET', '/minio/health/cluster', { status: 503 }))).said,
      (
        await sentence(await served((socket) => socket.end()), (session) =>
          minioSession(session, { ...where, account }),
        )
      ).said,
    ]
    expect(said.flat()).toMatchInlineSnapshot(`
      [
        "wrong answer: does not accept the signature: the key is another, or the request did not arrive as it was sent",
        "wrong answer: answered 507 XMinioStorageFull to a new bucket",
        "wrong answer: answered 503 SlowDown to PUT",
        "wrong answer: gave another object back than it was given",
        "wrong answer: answered 403 AccessDenied to DELETE",
        "wrong answer: says of its own health 503",
        "closed: closed without a byte",
      ]
    `)
  })
})

test('a certificate that is not trusted is told from a door that closes', () => {
  const untrusted = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  expect(attemptOf(untrusted, undefined)).toEqual({
    outcome: 'failed',
    detail: 'its certificate is not trusted: self-signed certificate',
  })
})
