import { createHash, randomBytes } from 'node:crypto'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { S3Account, S3Request } from '../clients/s3.ts'
import { withS3 } from '../clients/s3.ts'
import type { PostgresAccount, Query } from '../clients/postgres.ts'
import { withPostgres } from '../clients/postgres.ts'
import type { Command } from '../clients/redis.ts'
import { withRedis } from '../clients/redis.ts'
import type { Attempt } from '../kinds/observations.ts'
import type { DataSession } from '../kinds/cross-cluster.ts'
import { redact } from '../secrets.ts'
import type { Tunnel } from '../tunnel.ts'
import { attemptThatFailed, TunnelError } from '../tunnel.ts'

/** Three times in a row, each with a connection of its own. */
const tries = 3
const sessionMs = 20_000

type Facts = DataSession['facts']
/** What a session has to go by: a way to open connections, a name of its own, and how long it may take. */
export type Session = { open: () => Tunnel; nonce: string; deadline: Deadline }
type Outcome = { attempt: Attempt; facts: Facts }

const answered = (detail: string, facts: Facts): Outcome => ({ attempt: { outcome: 'answered', detail }, facts })
const wrong = (detail: string, facts: Facts = {}): Outcome => ({ attempt: { outcome: 'wrong answer', detail }, facts })

/** Runs a session three times. What the last one that got through found out is kept. */
export async function sessions(
  open: (deadline: Deadline) => Tunnel,
  deadline: Deadline,
  run: (session: Session) => Promise<Outcome>,
): Promise<{ attempts: Attempt[]; facts: Facts }> {
  const attempts: Attempt[] = []
  let facts: Facts = {}
  for (let attempt = 0; attempt < tries; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const outcome = await session(open, deadline, run)
    attempts.push(outcome.attempt)
    facts = { ...facts, ...outcome.facts }
  }
  return { attempts, facts }
}

async function session(
  open: (deadline: Deadline) => Tunnel,
  deadline: Deadline,
  run: (session: Session) => Promise<Outcome>,
): Promise<Outcome> {
  const own = deadlineIn(sessionMs, deadline.signal)
  let tunnel: Tunnel | undefined
  try {
    const opened = () => (tunnel = open(own))
    return await run({ open: opened, nonce: `conformance-${randomBytes(6).toString('hex')}`, deadline: own })
  } catch (error) {
    const { outcome, detail } = attemptOf(error, tunnel)
    return { attempt: { outcome, detail: redact(detail) }, facts: {} }
  } finally {
    tunnel?.destroy()
  }
}

/** SQLSTATE, for what a server answers that is there and is not what was asked for. */
const statements: Record<string, string> = {
  '28P01': 'the password is not accepted',
  '28000': 'the account is not accepted',
  '3D000': 'there is no such database',
  '57P03': 'the server does not take sessions now',
  '53300': 'the server has no session left',
  '25006': 'the server is read-only',
}

/** An attempt out of whatever a client threw: each cause has its own words. */
export function attemptOf(error: unknown, tunnel: Tunnel | undefined): Attempt {
  const { code, message } = (error ?? {}) as { code?: string; message?: string }
  if (code !== undefined && /certificate|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/i.test(code))
    return { outcome: 'failed', detail: `its certificate is not trusted: ${message ?? code}` }
  // An answer of the server, in the protocol: it was reached.
  const known = code === undefined ? undefined : statements[code]
  if (known !== undefined) return { outcome: 'wrong answer', detail: `${known}: ${message ?? ''}` }
  if (/^(NOAUTH|WRONGPASS|NOPERM|READONLY|LOADING|MASTERDOWN|MISCONF|OOM|ERR) /.test(message ?? ''))
    return { outcome: 'wrong answer', detail: message ?? '' }
  return attemptThatFailed(error, tunnel)
}

/** Whether a session of this name is among those that the server itself shows. */
export type Witness = (applicationName: string) => Promise<boolean>

export async function postgresSession(
  { open, nonce, deadline }: Session,
  account: PostgresAccount,
  witness: Witness | undefined,
): Promise<Outcome> {
  return withPostgres(
    open,
    { ...account, applicationName: nonce, timeoutMs: deadline.remainingMs() },
    async (query: Query) => {
      const [row] = await query(
        `select current_setting('server_version') as version, host(inet_server_addr()) as address,
                pg_is_in_recovery() as recovery, current_database() as database`,
      )
      const { version, address, recovery, database } = row ?? {}
      const facts: Facts = {
        version: String(version),
        database: String(database),
        isInRecovery: recovery === true,
        ...(typeof address === 'string' ? { address } : {}),
        ...(witness === undefined ? {} : { seenOnInfra: await testify(witness, nonce) }),
      }
      if (facts.database !== account.database)
        return wrong(`is database ${facts.database}, not ${account.database}`, facts)
      if (facts.seenOnInfra === false) return wrong('answers, but Postgres of infra has no such session', facts)
      return answered(`Postgres ${facts.version}`, facts)
    },
  )
}

/** What keeps the witness from looking is not the session's fault, and is told as what it is. */
async function testify(witness: Witness, nonce: string): Promise<boolean> {
  try {
    return await witness(nonce)
  } catch (error) {
    throw new TunnelError({ outcome: 'unknown', detail: `nobody on infra could look for it: ${messageOf(error)}` })
  }
}

export async function dragonflySession(
  { open, nonce }: Session,
  { password }: { password: string | undefined },
): Promise<Outcome> {
  return withRedis(open, async (command: Command) => {
    if (password !== undefined) await command('AUTH', password)
    const pong = await command('PING')
    if (pong !== 'PONG') return wrong(`answered PING with ${String(pong)}`)
    const facts: Facts = { server: serverOf(String(await command('INFO', 'server'))) }
    await command('SET', nonce, nonce, 'EX', '60')
    const value = await command('GET', nonce)
    const lifetime = await command('TTL', nonce)
    await command('DEL', nonce)
    if (value !== nonce) return wrong('gave another value back than it was given', facts)
    if (typeof lifetime !== 'number' || lifetime < 1 || lifetime > 60)
      return wrong(`does not expire keys: TTL is ${String(lifetime)}`, facts)
    const left = await command('GET', nonce)
    return left === null ? answered(facts.server ?? '', facts) : wrong('still has a key that was deleted', facts)
  })
}

/** Dragonfly tells a Redis version too, for clients that ask. */
export function serverOf(info: string): string {
  const valueOf = (key: string) => new RegExp(`^${key}:(.+?)\\r?$`, 'm').exec(info)?.[1]
  const [dragonfly, redis] = [valueOf('dragonfly_version'), valueOf('redis_version')]
  if (dragonfly !== undefined) return dragonfly.replace(/^df-/, 'dragonfly ')
  return redis === undefined ? 'of no known name' : `redis ${redis}`
}

/** Bucket and key are the same in every run, of which there is one at a time: the next one removes what a killed one left. */
const objectKey = 'probe'

export async function minioSession(
  { open, deadline }: Session,
  {
    account,
    host,
    bucket,
    documentedBucket,
  }: { account: S3Account; host: string; bucket: string; documentedBucket: string },
): Promise<Outcome> {
  return withS3(open, { account, host, signal: deadline.signal }, async (request: S3Request) => {
    const health = (await request('GET', '/minio/health/cluster', { unsigned: true })).status
    const made = await request('PUT', `/${bucket}`)
    const isOwn = made.status === 200 || s3Code(made.body) === 'BucketAlreadyOwnedByYou'
    // A signature covers the host: where a proxy writes another one into the request, none is accepted.
    if (s3Code(made.body) === 'SignatureDoesNotMatch')
      return wrong('does not accept the signature: the key is another, or the request did not arrive as it was sent', {
        health,
      })
    // A probe may not be allowed buckets of its own; it then writes where applications do.
    if (!isOwn && s3Code(made.body) !== 'AccessDenied')
      return wrong(`answered ${statusOf(made)} to a new bucket`, { health })
    const facts: Facts = {
      health,
      bucket: isOwn ? bucket : documentedBucket,
      ...(isOwn ? {} : { bucketBecause: `a bucket of the probe's own is refused: ${statusOf(made)}` }),
    }
    const path = isOwn ? `/${bucket}/${objectKey}` : `/${documentedBucket}/${bucket}-${objectKey}`
    const content = randomBytes(4_096)
    try {
      return await putAndGet(request, path, content, facts)
    } finally {
      // Whatever came of it, nothing stays.
      await request('DELETE', path).catch(() => undefined)
      if (isOwn) await request('DELETE', `/${bucket}`).catch(() => undefined)
    }
  })
}

async function putAndGet(request: S3Request, path: string, content: Buffer, facts: Facts): Promise<Outcome> {
  const put = await request('PUT', path, { body: content })
  if (put.status !== 200) return wrong(`answered ${statusOf(put)} to PUT`, facts)
  const got = await request('GET', path)
  if (got.status !== 200) return wrong(`answered ${statusOf(got)} to GET`, facts)
  if (sha256(got.body) !== sha256(content)) return wrong('gave another object back than it was given', facts)
  const gone = await request('DELETE', path)
  if (gone.status !== 204 && gone.status !== 200) return wrong(`answered ${statusOf(gone)} to DELETE`, facts)
  const left = await request('GET', path)
  if (left.status !== 404) return wrong(`answered ${statusOf(left)} for an object that was deleted`, facts)
  return facts.health === 200
    ? answered(`${content.length} bytes put, got and deleted`, facts)
    : wrong(`says of its own health ${facts.health}`, facts)
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** The error code of S3 is enough: its message repeats the request. */
const s3Code = (body: Buffer) => /<Code>([A-Za-z]+)<\/Code>/.exec(body.toString())?.[1]
const statusOf = ({ status, body }: { status: number; body: Buffer }) =>
  [status, s3Code(body)].filter((part) => part !== undefined).join(' ')
