import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { messageOf } from '../../check/error-message.ts'
import { attemptSchema } from '../clocks/attempts.ts'
import type { Order } from './main.ts'

const program = join(import.meta.dirname, 'main.ts')

/** What a prober sent, numbered in the order of its schedule. */
export const sentSchema = attemptSchema.extend({ sequence: z.number() })
export type Sent = z.infer<typeof sentSchema>

/** Where a prober stands: the command that is put in front of it, such as `nsenter --net=...`. */
export type Place = readonly string[]

export type Prober = {
  /** Everything that was seen so far. */
  log: readonly Sent[]
  /** Why it ended by itself, if it did; a prober that died saw nothing of what came later. */
  failure: () => string | undefined
  /** Ends it and returns all that it saw. */
  stop: () => Promise<readonly Sent[]>
}

/** Starts a prober in a process of its own, which ends when this one does. */
export function startProber(order: Order, place: Place = []): Prober {
  const log: Sent[] = []
  const { child, errors } = spawnProber(order, place)
  let failure: string | undefined
  let isStopping = false
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => log.push(sentSchema.parse(JSON.parse(line))))
  const ended = once(lines, 'close')
  child.once('error', (error) => (failure = messageOf(error)))
  child.once('exit', (code, signal) => {
    if (!isStopping) failure ??= `the prober ended with ${signal ?? code}: ${errors() || 'it said nothing'}`
  })
  return {
    log,
    failure: () => failure,
    stop: async () => {
      isStopping = true
      child.stdin.end()
      await ended
      return log
    },
  }
}

/** Lets the program of the probers do something that ends by itself, and returns its lines. */
export async function askProgram(order: Order, place: Place = []): Promise<unknown[]> {
  const { child, errors } = spawnProber(order, place)
  const found: unknown[] = []
  createInterface({ input: child.stdout }).on('line', (line) => found.push(JSON.parse(line)))
  const [code] = (await once(child, 'close')) as [number | null]
  child.stdin.destroy()
  if (code !== 0) throw new Error(`${order.do} ended with ${code}: ${errors() || 'it said nothing'}`)
  return found
}

function spawnProber(order: Order, place: Place) {
  const [file, ...args] = [...place, process.execPath, program]
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PROBER_ORDER: JSON.stringify(order) },
  })
  child.stdin.on('error', () => {})
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2_000)))
  return { child, errors: () => said.trim().split('\n').slice(-3).join('; ') }
}
