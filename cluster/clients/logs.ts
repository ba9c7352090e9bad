import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { HTTPGet } from '../http-forward.ts'
import { parseJSON } from '../json.ts'

/** An entry of the store: all its fields are text. */
export type LogEntry = Record<string, string>

const entry = z.record(z.string(), z.string())

/** The entries that a query of LogsQL finds. Throws when the store does not answer with entries; none found is an empty list. */
export async function queryLogs(get: HTTPGet, query: string, limit: number, deadline: Deadline): Promise<LogEntry[]> {
  const words = new URLSearchParams({ query, limit: String(limit) })
  const { status, text } = await get(`/select/logsql/query?${words.toString()}`, deadline)
  if (status !== 200) throw new Error(`the log store answered ${status}: ${text.slice(0, 200)}`)
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const parsed = entry.safeParse(parseJSON(line))
      if (!parsed.success) throw new Error(`the log store answered with a line that is no entry: ${line.slice(0, 120)}`)
      return parsed.data
    })
}
