import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../check/error-message.ts'
import { clusterName } from '../../platform/shapes.ts'
import { undoSchema } from '../undo.ts'

/** The steps of an experiment, in their order. Each is on disk before the next one begins. */
export const steps = [
  'intended',
  'leased',
  'recorded',
  'prepared',
  'injecting',
  'injected',
  'observed',
  'taking back',
  'taken back',
  'ended',
] as const
export type Step = (typeof steps)[number]

/** What is going to be broken, where, and how it is taken back: enough for whoever finds it later. */
export const intentSchema = z.object({
  id: z.string(),
  scenario: z.string(),
  target: z.enum(['pair', 'live']),
  clusters: z.array(clusterName),
  /** UIDs of kube-system. */
  uids: z.object({ infra: z.string(), apps: z.string() }).partial(),
  targets: z.array(z.string()),
  undo: z.array(undoSchema),
  startedAt: z.iso.datetime(),
  /** By then the fault has ended by itself. */
  endsAt: z.iso.datetime(),
  /** Whoever finds it overdue knows whom to ask: host and process. */
  holder: z.string(),
  hidesAPI: z.boolean(),
})
export type Intent = z.infer<typeof intentSchema>

const lineSchema = z.object({
  step: z.enum([...steps, 'stopped']),
  at: z.iso.datetime(),
  intent: intentSchema.optional(),
  note: z.string().optional(),
})

/** An experiment as its journal tells it. */
export type Recorded = { intent: Intent; last: Step | 'stopped'; file: string; notes: string[] }

export type Journal = {
  file: string
  write: (step: Step | 'stopped', more?: { intent?: Intent; note?: string }) => void
}

/** Where journals are: CHAOS_JOURNAL, else the user's folder for state. They have to outlive reports. */
export const journalFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env['CHAOS_JOURNAL'] ?? join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'twinproof', 'chaos')

/** Opens the journal of an experiment. A line counts only when the disk has it. */
export function openJournal(id: string, folder = journalFolder()): Journal {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${id}.jsonl`)
  return {
    file,
    write: (step, more = {}) => {
      const handle = openSync(file, 'a', 0o600)
      try {
        writeSync(handle, `${JSON.stringify({ step, at: new Date().toISOString(), ...more })}\n`)
        fsyncSync(handle)
      } finally {
        closeSync(handle)
      }
      dieAt(step)
    },
  }
}

/** Tests let the runner die right after a step, as a power cut would. */
function dieAt(step: string): void {
  if (process.env['CHAOS_DIE_AT'] === step) process.kill(process.pid, 'SIGKILL')
}

/** All experiments on disk. A last line that was cut short by a crash is as if it had not been written. */
export function readJournals(folder = journalFolder()): Recorded[] {
  return filesIn(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .flatMap((name) => {
      const recorded = readJournal(join(folder, name))
      return recorded ? [recorded] : []
    })
}

export function readJournal(file: string): Recorded | undefined {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text) => {
      const parsed = lineSchema.safeParse(parsedOrUndefined(text))
      return parsed.success ? [parsed.data] : []
    })
  const intent = lines.find((line) => line.intent !== undefined)?.intent
  const last = lines.at(-1)?.step
  if (!intent || !last) return undefined
  return { intent, last, file, notes: lines.flatMap(({ note }) => (note === undefined ? [] : [note])) }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Experiments that were begun and have no end. */
export const unfinishedIn = (all: readonly Recorded[]): Recorded[] => all.filter(({ last }) => last !== 'ended')
