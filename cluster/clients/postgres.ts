import { Client } from 'pg'
import type { Duplex } from 'node:stream'

export type PostgresAccount = { user: string; password: string; database: string }

/** Sends one statement and returns its rows. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>

/** A session with a PostgreSQL server over a stream, for as long as `use` takes. TLS is the mesh's business. */
export async function withPostgres<T>(
  open: () => Duplex,
  {
    user,
    password,
    database,
    applicationName,
    timeoutMs,
  }: PostgresAccount & { applicationName: string; timeoutMs: number },
  use: (query: Query) => Promise<T>,
): Promise<T> {
  const client = new Client({
    stream: open,
    user,
    password,
    database,
    application_name: applicationName,
    ssl: false,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  // What comes after the answer is the stream's to tell.
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(async (text, values = []) => {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values])
      return rows
    })
  } finally {
    await client.end().catch(() => {})
  }
}
