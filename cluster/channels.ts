import { Duplex } from 'node:stream'
import type { WebSocket } from 'undici'
import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import type { Connection } from './connection.ts'
import { TransportError } from './connection.ts'
import { parseJSON } from './json.ts'

export type PodContainer = { namespace: string; pod: string; container: string }

/** How a command ended. `lost`: the connection broke before the API server said how; that is never success. */
export type Ending = { state: 'exited'; code: number } | { state: 'lost'; reason: string }

/** A running command whose standard input and output are one stream, as a program behind a pipe. */
export type Running = { stream: Duplex; ended: Promise<Ending>; errors: () => string }

const channel = { input: 0, output: 1, errors: 2, status: 3, close: 255 } as const

/** Starts a command in a container. The stream ends when the command does; destroying it closes the connection. */
export async function startIn(
  connection: Connection,
  { namespace, pod, container }: PodContainer,
  command: readonly string[],
  deadline: Deadline,
): Promise<Running> {
  const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true', stderr: 'true' })
  for (const word of command) query.append('command', word)
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query.toString()}`
  const socket = await connection.upgrade(path, deadline)
  const errors: Buffer[] = []
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>()
  const stream = duplexOver(socket, {
    input: channel.input,
    deadline,
    closeInput: () => {
      if (socket.protocol === 'v5.channel.k8s.io') socket.send(Uint8Array.of(channel.close, channel.input))
    },
    receive: (number, data, push) => {
      if (number === channel.output) push(data)
      if (number === channel.errors) errors.push(data)
      if (number === channel.status) {
        end(endingOf(data.toString()))
        push(null)
      }
    },
  })
  socket.addEventListener('close', () =>
    end({ state: 'lost', reason: 'the connection closed before the command said how it ended' }),
  )
  deadline.signal.addEventListener('abort', () => end({ state: 'lost', reason: 'the command did not end in time' }))
  return { stream, ended, errors: () => Buffer.concat(errors).toString() }
}

const commandStatus = z.object({
  status: z.string(),
  message: z.string().optional(),
  details: z
    .object({
      causes: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })).default([]),
    })
    .optional(),
})

/** The exit code out of the status document that ends an exec. Without one the end is lost. */
export function endingOf(text: string): Ending {
  const parsed = commandStatus.safeParse(parseJSON(text))
  if (!parsed.success)
    return { state: 'lost', reason: `the command ended with an unexpected status: ${text.slice(0, 200)}` }
  if (parsed.data.status === 'Success') return { state: 'exited', code: 0 }
  const code = parsed.data.details?.causes.find(({ reason }) => reason === 'ExitCode')?.message
  return code === undefined || !/^\d+$/.test(code)
    ? { state: 'lost', reason: parsed.data.message ?? 'the command failed without an exit code' }
    : { state: 'exited', code: Number(code) }
}

/** Runs a command to its end and returns what it printed. */
export async function runIn(
  connection: Connection,
  where: PodContainer,
  command: readonly string[],
  deadline: Deadline,
): Promise<{ ending: Ending; output: string; errors: string }> {
  const { stream, ended, errors } = await startIn(connection, where, command, deadline)
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => {})
  const ending = await ended
  stream.destroy()
  return { ending, output: Buffer.concat(chunks).toString(), errors: errors() }
}

/**
 * A connection to a port inside a pod, dialled by its kubelet on the pod's loopback. It does not pass the pod's inbound
 * proxy, so it says nothing of policy or of the mesh; it is right for guarded admin ports.
 */
export async function forwardTo(
  connection: Connection,
  { namespace, pod }: { namespace: string; pod: string },
  port: number,
  deadline: Deadline,
): Promise<Duplex> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`
  const socket = await connection.upgrade(path, deadline)
  // Each of the two channels begins with the number of the port, once.
  const named = new Set<number>()
  return duplexOver(socket, {
    input: 0,
    deadline,
    closeInput: () => {},
    receive: (number, data, push, fail) => {
      const content = named.has(number) ? data : data.subarray(2)
      named.add(number)
      if (content.length === 0) return
      if (number === 0) push(content)
      else fail(new TransportError(content.toString().trim()))
    },
  })
}

type Wiring = {
  input: number
  deadline: Deadline
  closeInput: () => void
  receive: (number: number, data: Buffer, push: (data: Buffer | null) => void, fail: (error: Error) => void) => void
}

function duplexOver(socket: WebSocket, { input, deadline, closeInput, receive }: Wiring): Duplex {
  let finished = false
  const stream = new Duplex({
    // Whoever reads is quicker than the network; what arrives is kept until then.
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      socket.send(Buffer.concat([Buffer.of(input), chunk]))
      done()
    },
    final: (done) => {
      closeInput()
      done()
    },
    destroy: (error, done) => {
      deadline.signal.removeEventListener('abort', late)
      socket.close()
      done(error)
    },
  })
  const late = () => stream.destroy(new TransportError('no answer in time'))
  const push = (data: Buffer | null) => {
    if (finished) return
    finished = data === null
    stream.push(data)
  }
  deadline.signal.addEventListener('abort', late, { once: true })
  socket.addEventListener('message', ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return
    const bytes = Buffer.from(data)
    const [number] = bytes
    if (number === undefined || number === channel.close) return
    receive(number, bytes.subarray(1), push, (error) => stream.destroy(error))
  })
  socket.addEventListener('close', () => push(null))
  socket.addEventListener('error', () => stream.destroy(new TransportError('the stream broke')))
  return stream
}
