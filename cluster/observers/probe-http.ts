import type { Deadline } from '../../check/deadline.ts'
import { startIn } from '../channels.ts'
import type { Answer, Connection } from '../connection.ts'
import { TransportError } from '../connection.ts'
import { probeNamespace } from '../probes/objects.ts'

export type RawRequest = {
  host: string
  port: number
  path: string
  headers?: Record<string, string>
  /** Sent by POST, as JSON. */
  body?: string
}

/** The connection was made or not, and ended without an answer; the message holds the words of nc. */
export class NoAnswer extends Error {
  override name = 'NoAnswer'
}

/** An HTTP request that is written word by word into a connection of a probe: with headers and a body that netexec cannot send. */
export async function requestFrom(
  connection: Connection,
  pod: string,
  { host, port, path, headers = {}, body }: RawRequest,
  deadline: Deadline,
): Promise<Answer> {
  const where = { namespace: probeNamespace, pod, container: 'probe' }
  const running = await startIn(connection, where, ['nc', '-v', '-N', '-w', '5', host, String(port)], deadline)
  const { stream, ended, errors } = running
  const lines = [
    `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    `host: ${host}:${port}`,
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]),
  ]
  try {
    const answer = await new Promise<Answer | string>((resolve, reject) => {
      let text = ''
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const whole = parseAnswer(text, false)
        if (whole) resolve(whole)
      })
      stream.once('end', () => resolve(parseAnswer(text, true) ?? text))
      stream.once('error', reject)
      // The sending side stays open: some proxies take a client that closes it for gone.
      stream.write(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
    })
    if (typeof answer !== 'string') return answer
    const ending = await ended
    if (ending.state === 'lost') throw new TransportError(ending.reason)
    throw new NoAnswer(
      `${host}:${port} gave no HTTP answer: ${errors().trim() || answer.slice(0, 120) || 'it closed the connection'}`,
    )
  } finally {
    stream.destroy()
  }
}

/** An answer of HTTP/1.1, once it is there in full; one without a length ends with its connection. */
export function parseAnswer(text: string, isEnd: boolean): Answer | undefined {
  const [, status, head = '', body = ''] = /^HTTP\/1\.[01] (\d{3})([^]*?)\r\n\r\n([^]*)$/.exec(text) ?? []
  if (status === undefined) return undefined
  const length = /^content-length: *(\d+) *$/im.exec(head)?.[1]
  if (length === undefined) return isEnd ? { status: Number(status), text: body } : undefined
  return Buffer.byteLength(body) >= Number(length) ? { status: Number(status), text: body } : undefined
}
