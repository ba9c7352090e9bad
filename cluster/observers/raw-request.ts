import type { Running } from '../channels.ts'
import { outcomeOf } from './reachability.ts'

export type Request = { host: string; port: number; path: string; headers?: Record<string, string> }

/**
 * One HTTP request through `nc` in a probe, so that its headers are exactly ours. Throws when no answer came, with the
 * words of `nc` about why.
 */
export async function rawRequest(
  start: (command: string[]) => Promise<Running>,
  { host, port, path, headers = {} }: Request,
): Promise<{ status: number; body: string }> {
  const { stream, ended, errors } = await start(['nc', '-N', '-w', '5', host, String(port)])
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => {})
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  // Not ended: some servers give up on a client that stops sending. The answer closes the connection.
  stream.write(`${lines.join('\r\n')}\r\n\r\n`)
  const ending = await ended
  stream.destroy()
  const output = Buffer.concat(chunks).toString()
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(output)?.[1]
  if (status !== undefined) return { status: Number(status), body: output.slice(output.indexOf('\r\n\r\n') + 4) }
  const how = ending.state === 'exited' ? `nc exited with ${ending.code}` : ending.reason
  const said = errors().trim()
  throw new Error(`${said === '' ? 'closed' : outcomeOf(said)}: no answer (${how}${said === '' ? '' : `, ${said}`})`)
}
