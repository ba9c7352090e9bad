import { request } from 'node:http'
import { Client } from 'pg'
import { messageOf } from '../../check/error-message.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { Connection } from '../../cluster/connection.ts'
import type { Answer } from './open-arrivals.ts'

const longestName = 80

/** One GET on a connection of its own. Every answer of 200 counts; its text says who answered. */
export function getOnce(url: string, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: unknown) => resolve({ ok: false, why: messageOf(error) })
    const asking = request(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.once('error', fail)
      response.once('end', () =>
        resolve(
          response.statusCode === 200
            ? { ok: true, by: text.slice(0, longestName).trim() }
            : { ok: false, why: `status ${response.statusCode}` },
        ),
      )
    })
    asking.once('error', fail)
    asking.end()
  })
}

/** A ConfigMap that the prober may write to. */
export type APIOperation = { connection: Connection; path: string; isWrite: boolean; timeoutMs: number }

/** Reads an object with a quorum, or changes it. */
export async function askAPI(
  { connection, path, isWrite, timeoutMs }: APIOperation,
  sequence: number,
): Promise<Answer> {
  try {
    const deadline = deadlineIn(timeoutMs)
    const { status, text } = isWrite
      ? await connection.send(
          {
            method: 'PATCH',
            path,
            body: { data: { sequence: String(sequence) } },
            type: 'application/merge-patch+json',
          },
          deadline,
        )
      : await connection.get(path, deadline)
    return status === 200 ? { ok: true } : { ok: false, why: `status ${status}: ${text.slice(0, 100)}` }
  } catch (error) {
    return { ok: false, why: messageOf(error) }
  }
}

export type Database = { host: string; port: number; user: string; password: string; database: string; table: string }

/** Makes the table that rows go to. Every row says which server wrote it, on which timeline, when by its clock. */
export async function makeTable(database: Database): Promise<void> {
  await withClient(database, 10_000, (client) =>
    client.query(`create table if not exists ${database.table} (
      sequence bigint primary key, payload text not null, checksum text not null, at timestamptz not null,
      timeline int not null, server_started timestamptz not null)`),
  )
}

/** Inserts one row, in a session and a transaction of its own. It counts when the server says that it is committed. */
export async function insertRow(database: Database, sequence: number, timeoutMs: number): Promise<Answer> {
  try {
    await withClient(database, timeoutMs, (client) =>
      client.query(
        `insert into ${database.table} select $1::bigint, p, md5(p), clock_timestamp(), c.timeline_id, pg_postmaster_start_time()
           from (select repeat('row ' || $1::text || ' ', 20) as p) made, pg_control_checkpoint() c`,
        [sequence],
      ),
    )
    return { ok: true }
  } catch (error) {
    return { ok: false, why: messageOf(error) }
  }
}

async function withClient<T>(
  { host, port, user, password, database }: Database,
  timeoutMs: number,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    host,
    port,
    user,
    password,
    database,
    ssl: false,
    application_name: 'conformance-chaos',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await use(client)
  } finally {
    void client.end().catch(() => {})
  }
}

/** All rows, as JSON lines for whoever compares them with what was acknowledged. */
export async function readRows(database: Database): Promise<unknown[]> {
  const { rows } = await withClient(database, 20_000, (client) =>
    client.query<Record<string, unknown>>(
      `select sequence::int as sequence, extract(epoch from at)::float8 * 1000 as at, timeline,
              extract(epoch from server_started)::float8 * 1000 as "serverStartedAt", md5(payload) = checksum as "isIntact",
              md5(written::text) as digest
         from ${database.table} written order by sequence`,
    ),
  )
  return rows
}

export async function dropTable(database: Database): Promise<void> {
  await withClient(database, 10_000, (client) => client.query(`drop table if exists ${database.table}`))
}
