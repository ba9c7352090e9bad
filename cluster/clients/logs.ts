import pRetry, { AbortError } from 'p-retry'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { HTTPGet } from '../http-forward.ts'
import { parseJSON } from '../json.ts'

/** An entry of the store: all its fields are text. */
export type LogEntry = Record<string, string>

const retries = 8
const pauseMs = 2_500

const entry = z.record(z.string(), z.string())

/** The entries that a query of LogsQL finds. Throws when the store does not answer with entries; none found is an empty list. */
export async function queryLogs(get: HTTPGet, query: string, limit: number, deadline: Deadline): Promise<LogEntry[]> {
  const words = new URLSearchParams({ query, limit: String(limit) })
  const ask = async () => {
    const { status, text } = await get(`/select/logsql/query?${words.toString()}`, deadline)
    if (status === 200) return text
    const failure = new Error(`the log store answered ${status}: ${text.slice(0, 200)}`)
    // What stands before a store that has just been started takes it for dead for some seconds.
    throw status >= 502 && status <= 504 ? failure : new AbortError(failure)
  }
  const text = await pRetry(ask, { retries, minTimeout: pauseMs, factor: 1, signal: deadline.signal })
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const parsed = entry.safeParse(parseJSON(line))
      if (!parsed.success) throw new Error(`the log store answered with a line that is no entry: ${line.slice(0, 120)}`)
      return parsed.data
    })
}
