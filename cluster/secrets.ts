import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Connection } from './connection.ts'
import { parseJSON } from './json.ts'
import { failureOf } from './read.ts'

const remembered = new Set<string>()
const hidden = '[redacted]'

/** Keeps a value out of everything that passes `redact` from now on. Returns it. */
export function remember(value: string): string {
  if (value !== '') remembered.add(value)
  return value
}

/** A text without any remembered value, in the forms in which errors and addresses quote them. */
export function redact(text: string): string {
  const forms = [...remembered].flatMap((value) => [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    Buffer.from(value).toString('base64'),
  ])
  // The longest first: a value may be part of another.
  return [...new Set(forms)]
    .toSorted((a, b) => b.length - a.length)
    .reduce((left, form) => left.replaceAll(form, hidden), text)
}

/** The same for every text inside of a value. */
export function redactAll(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(redactAll)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [redact(key), redactAll(inner)]))
}

/** Runs what handles secrets: neither what it returns nor what it throws holds one. */
export async function withoutSecrets<T>(act: () => Promise<T>): Promise<T> {
  try {
    return redactAll(await act()) as T
  } catch (error) {
    const text = messageOf(error)
    const clean = redact(text)
    // An error that says nothing secret keeps its type, which others go by. A cause or a stack would tell.
    // oxlint-disable-next-line preserve-caught-error
    throw clean === text ? error : new Error(clean)
  }
}

/** A Secret is not there, or lacks a key. The message names it, and nothing of its content. */
export class NoSecret extends Error {
  override name = 'NoSecret'
}

const secretShape = z.object({ data: z.record(z.string(), z.string()).default({}) })

/** The values of some keys of a Secret. All of them are remembered but those of `telling`, which are no secrets. */
export async function readSecret<K extends string, T extends string = never>(
  connection: Connection,
  { namespace, name }: { namespace: string; name: string },
  { secret, telling = [] }: { secret: readonly K[]; telling?: readonly T[] },
  deadline: Deadline,
): Promise<Record<K | T, string>> {
  const which = `Secret ${namespace}/${name} on ${connection.context}`
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`
  const answer = await connection.get(path, deadline)
  if (answer.status === 404) throw new NoSecret(`there is no ${which}`)
  const failure = failureOf(answer, path)
  if (failure && 'reason' in failure) throw new NoSecret(`${which} may not be read: ${failure.reason}`)
  const parsed = secretShape.safeParse(parseJSON(answer.text))
  if (!parsed.success) throw new NoSecret(`${which} has an unexpected shape`)
  const valueOf = (key: string, isSecret: boolean) => {
    const encoded = parsed.data.data[key]
    if (encoded === undefined) throw new NoSecret(`${which} has no key ${key}`)
    const value = Buffer.from(encoded, 'base64').toString()
    return [key, isSecret ? remember(value) : value] as const
  }
  return Object.fromEntries([
    ...secret.map((key) => valueOf(key, true)),
    ...telling.map((key) => valueOf(key, false)),
  ]) as Record<K | T, string>
}
