import { describe, expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../check/deadline.ts'
import { fakePostgres } from '../fixtures/tunnels/fake-postgres.ts'
import { localTunnel } from '../fixtures/tunnels/local-tunnel.ts'
import { withPostgres } from './clients/postgres.ts'
import type { Connection } from './connection.ts'
import { readSecret, redact, redactAll, remember, withoutSecrets } from './secrets.ts'

const planted = 'kein/Pass+wort 1'

const connection = (status: number, body: unknown): Connection => ({
  context: 'infra',
  server: 'https://localhost',
  get: () => Promise.resolve({ status, text: JSON.stringify(body) }),
  send: () => Promise.reject(new Error('nothing is sent')),
  upgrade: () => Promise.reject(new Error('nothing is opened')),
  certificate: () => Promise.reject(new Error('nothing is looked at')),
  close: () => Promise.resolve(),
})
const where = { namespace: 'databases', name: 'postgres-app' }
const read = (status: number, body: unknown) =>
  readSecret(connection(status, body), where, { secret: ['password'], telling: ['username'] }, deadlineIn(1_000)).catch(
    (error: unknown) => String(error),
  )
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a remembered value', () => {
  test('is taken out of texts as it is, in an address, in JSON and in base64', () => {
    remember(planted)
    remember('with "quotes"')
    const text = `${planted} postgres://app:${encodeURIComponent(planted)}@db ${JSON.stringify({ of: 'with "quotes"' })} ${base64(planted)}`
    expect(redact(text)).toMatchInlineSnapshot(
      `"[redacted] postgres://app:[redacted]@db {"of":"[redacted]"} [redacted]"`,
    )
  })

  test('is taken out of items, however deep', () => {
    remember(planted)
    expect(redactAll([{ attempts: [{ detail: `wrong: ${planted}`, ms: 1, none: null }] }])).toEqual([
      { attempts: [{ detail: 'wrong: [redacted]', ms: 1, none: null }] },
    ])
  })

  test('a longer one is taken out as a whole', () => {
    remember('abc')
    remember('abcdef')
    expect(redact('abcdef')).toBe('[redacted]')
  })

  test('an empty one takes nothing out', () => {
    remember('')
    expect(redact('as it was')).toBe('as it was')
  })
})

describe('what handles secrets', () => {
  test('throws no secret, not in a cause either', async () => {
    const failing = withoutSecrets(() => {
      throw new Error(`the server said ${remember(planted)}`, { cause: new Error(planted) })
    })
    const error: unknown = await failing.catch((thrown: unknown) => thrown)
    expect(error).toEqual(new Error('the server said [redacted]: [redacted]'))
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(planted)
  })

  test('lets other errors pass as they are', async () => {
    const original = new RangeError('out of range')
    await expect(withoutSecrets(() => Promise.reject(original))).rejects.toBe(original)
  })

  test('a server that repeats the password in its error is not repeated', async () => {
    const { port, stop } = await fakePostgres({ refusal: { code: '28P01', message: `no password ${planted}` } })
    onTestFinished(stop)
    const account = { user: 'app', password: remember(planted), database: 'app' }
    const refused = withoutSecrets(() =>
      withPostgres(
        () => localTunnel(port),
        { ...account, applicationName: 'test', timeoutMs: 2_000 },
        () => Promise.resolve(),
      ),
    )
    await expect(refused).rejects.toThrow(/^no password \[redacted\]$/)
  })
})

describe('a Secret', () => {
  test('its values are read, and the secret ones remembered', async () => {
    const data = { password: base64('s3cr3t-value'), username: base64('app') }
    expect(await read(200, { data })).toEqual({ password: 's3cr3t-value', username: 'app' })
    expect(redact('app s3cr3t-value')).toBe('app [redacted]')
  })

  test('that is missing, forbidden or lacks a key is named', async () => {
    expect(await read(404, {})).toMatchInlineSnapshot(`"NoSecret: there is no Secret databases/postgres-app on infra"`)
    expect(
      await read(403, { message: 'secrets "postgres-app" is forbidden: User "viewer" cannot get resource' }),
    ).toMatchInlineSnapshot(
      `"NoSecret: Secret databases/postgres-app on infra may not be read: secrets "postgres-app" is forbidden: User "viewer" cannot get resource"`,
    )
    expect(await read(200, { data: { username: base64('app') } })).toMatchInlineSnapshot(
      `"NoSecret: Secret databases/postgres-app on infra has no key password"`,
    )
    expect(await read(200, { data: [] })).toMatchInlineSnapshot(
      `"NoSecret: Secret databases/postgres-app on infra has an unexpected shape"`,
    )
  })
})
