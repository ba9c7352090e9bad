import { Duplex } from 'node:stream'
import { isIP } from 'node:net'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import packet from 'dns-packet'
import type { Ending, Running } from './channels.ts'
import { startIn } from './channels.ts'
import type { Connection } from './connection.ts'
import type { Attempt } from './kinds/observations.ts'
import { probeNamespace } from './probes/objects.ts'

/** nc gives up on a connection that is not made, or on which nothing moves, after so long. */
const quietSeconds = 5

/** How a connection came to its end, in the words of an attempt. */
export type TunnelEnd = { outcome: Exclude<Attempt['outcome'], 'answered' | 'wrong answer'>; detail: string }

/** A connection through a probe that could not be made, or broke. */
export class TunnelError extends Error {
  override name = 'TunnelError'
  readonly outcome: TunnelEnd['outcome']
  constructor({ outcome, detail }: TunnelEnd) {
    super(detail)
    this.outcome = outcome
  }
}

/** From where, and to where: a TCP connection that the probe itself makes, through its proxy where it is meshed. */
export type Route = { connection: Connection; pod: string; host: string; port: number }

/** Opens tunnels. Tests put something else in the place of the cluster. */
export type Dial = (route: Route, deadline: Deadline) => Tunnel

export const dial: Dial = ({ connection, pod, host, port }, deadline) =>
  new Tunnel(
    () =>
      startIn(
        connection,
        { namespace: probeNamespace, pod, container: 'probe' },
        // Without -v netcat-openbsd keeps to itself why it could not connect.
        ['nc', '-v', '-N', '-w', String(quietSeconds), host, String(port)],
        deadline,
      ),
    deadline,
  )

/** A TCP connection made from a probe, as clients know one. It connects by itself; `connect` is what clients call. */
export class Tunnel extends Duplex {
  connecting = true
  /** Bytes that came back. */
  bytesRead = 0
  /** Why it ended; undefined as long as it lasts, or when this side ended it. */
  ending: TunnelEnd | undefined
  readonly #open: () => Promise<Running>
  readonly #deadline: Deadline
  #running: Running | undefined
  #lastMoved = performance.now()

  constructor(open: () => Promise<Running>, deadline: Deadline) {
    super({ allowHalfOpen: false })
    this.#open = open
    this.#deadline = deadline
  }

  override _construct(done: (error?: Error) => void): void {
    const fail = (error: unknown) => done(this.#ended(this.#failure(messageOf(error))))
    this.#open().then((running) => {
      this.#running = running
      const { stream } = running
      stream.on('data', (chunk: Buffer) => {
        this.bytesRead += chunk.length
        this.#lastMoved = performance.now()
        this.push(chunk)
      })
      stream.once('error', (error) => this.destroy(this.#ended(this.#failure(messageOf(error)))))
      stream.once('end', () => void this.#finish(running))
      this.connecting = false
      done()
      this.emit('connect')
    }, fail)
  }

  override _read(): void {}

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#lastMoved = performance.now()
    this.#running?.stream.write(chunk, encoding, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#running?.stream.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#running?.stream.destroy()
    done(error)
  }

  // What clients ask of a socket and a tunnel has no use for.
  connect(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  async #finish({ ended, errors }: Running): Promise<void> {
    const quietMs = performance.now() - this.#lastMoved
    const end = endOf(await ended, errors(), { received: this.bytesRead, quietMs })
    if (this.destroyed) return
    this.ending = end
    if (end.outcome === 'closed') this.push(null)
    else this.destroy(new TunnelError(end))
  }

  #failure(detail: string): TunnelEnd {
    return this.#deadline.signal.aborted
      ? { outcome: 'too slow', detail: 'no answer in time' }
      : { outcome: 'unknown', detail }
  }

  #ended(end: TunnelEnd): TunnelError {
    this.ending ??= end
    return new TunnelError(this.ending)
  }
}

/** What nc's end says of the connection: musl's and glibc's words for the errors of the network. */
export function endOf(
  ending: Ending,
  errors: string,
  { received, quietMs }: { received: number; quietMs: number },
): TunnelEnd {
  if (ending.state === 'lost')
    return /in time/.test(ending.reason)
      ? { outcome: 'too slow', detail: 'no answer in time' }
      : { outcome: 'unknown', detail: ending.reason }
  if (ending.code === 0) {
    // A little less than nc's patience, for the way of the last byte.
    if (quietMs > quietSeconds * 1_000 - 300)
      return { outcome: 'too slow', detail: `nothing came for ${quietSeconds} s` }
    return {
      outcome: 'closed',
      detail: received === 0 ? 'closed without a byte' : `closed after ${received} bytes`,
    }
  }
  const said = errors
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('succeeded'))
    .join(' ')
    .trim()
  return { outcome: outcomeOfWords(said) ?? 'unknown', detail: said === '' ? `nc ended with ${ending.code}` : said }
}

/** What the words of musl, glibc and Go say of a connection that failed; undefined for words that nobody knows. */
export const outcomeOfWords = (words: string): TunnelEnd['outcome'] | undefined =>
  failures.find((failure) => failure.words.test(words))?.outcome

const failures: readonly { words: RegExp; outcome: TunnelEnd['outcome'] }[] = [
  {
    words:
      /does not resolve|name or service not known|no usable address|nodename nor servname|no such host|server misbehaving|bad address/i,
    outcome: 'no name',
  },
  { words: /connection refused/i, outcome: 'refused' },
  { words: /(host|network)( is)? unreachable|no route to host/i, outcome: 'no route' },
  { words: /timed out|timeout|deadline exceeded/i, outcome: 'too slow' },
  { words: /reset by peer|broken pipe|\bEOF\b/i, outcome: 'closed' },
]

/** How an attempt ended that threw: the tunnel knows better than the client why a connection was lost. */
export function attemptThatFailed(error: unknown, tunnel: Tunnel | undefined): Attempt {
  if (error instanceof TunnelError) return { outcome: error.outcome, detail: error.message }
  if (tunnel?.ending) return tunnel.ending
  return { outcome: 'failed', detail: messageOf(error) }
}

/** What a DNS server said to a question for addresses. */
export type DNSAnswer = { rcode: string; addresses: string[] }

/** Asks a DNS server for the addresses of a name, over TCP and from a probe. The name is asked for as it is. */
export async function resolveFrom(open: () => Tunnel, name: string): Promise<DNSAnswer> {
  const id = Math.trunc(Math.random() * 0xff_ff)
  const tunnel = open()
  const question = packet.streamEncode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type: 'A', name }],
  })
  try {
    tunnel.write(question)
    const chunks: Buffer[] = []
    for await (const chunk of tunnel as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length < 2 || bytes.length < bytes.readUInt16BE(0) + 2) continue
      const answer = packet.streamDecode(bytes) as ReturnType<typeof packet.streamDecode> & { rcode: string }
      if (answer.id !== id) throw new Error('the DNS server answered another question')
      return {
        rcode: answer.rcode,
        addresses: (answer.answers ?? []).flatMap((record) =>
          record.type === 'A' && isIP(record.data) !== 0 ? [record.data] : [],
        ),
      }
    }
    throw new TunnelError(tunnel.ending ?? { outcome: 'closed', detail: 'the DNS server closed without an answer' })
  } finally {
    tunnel.destroy()
  }
}
