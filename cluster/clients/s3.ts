import { Agent, request as send } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import aws4 from 'aws4'

export type S3Account = { accessKeyId: string; secretAccessKey: string }

export type S3Answer = { status: number; body: Buffer }

/** Sends one request, signed unless it says otherwise; answers with any HTTP status. */
export type S3Request = (
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  options?: { body?: Buffer; unsigned?: true; headers?: Record<string, string> },
) => Promise<S3Answer>

/** The region that MinIO has when nobody gave it one. */
const region = 'us-east-1'

/** Requests to an S3 server over one stream at a time, for as long as `use` takes. */
export async function withS3<T>(
  open: () => Duplex,
  { account, host, signal }: { account: S3Account; host: string; signal: AbortSignal },
  use: (request: S3Request) => Promise<T>,
): Promise<T> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => open()
  try {
    return await use(async (method, path, { body, unsigned, headers = {} } = {}) => {
      const plain = {
        method,
        path,
        host,
        headers: { ...headers, host, ...(body === undefined ? {} : { 'content-length': String(body.length) }) },
      }
      const signed = unsigned
        ? plain
        : aws4.sign({ ...plain, service: 's3', region, ...(body === undefined ? {} : { body }) }, account)
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing = send({ agent, method, path, headers: signed.headers ?? {}, signal }, resolve)
        outgoing.once('error', reject)
        outgoing.end(body)
      })
      return { status: answer.statusCode ?? 0, body: await buffer(answer) }
    })
  } finally {
    agent.destroy()
  }
}
