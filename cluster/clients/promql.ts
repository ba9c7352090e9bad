import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { HTTPGet } from '../http-forward.ts'
import { parseJSON } from '../json.ts'

export type Series = { labels: Record<string, string>; value: number }

/** What a store of metrics says to a query. Only the first two are knowledge; `empty` is never a zero. */
export type QueryAnswer =
  | { state: 'series'; series: Series[] }
  | { state: 'empty' }
  /** A part of the store did not take part. */
  | { state: 'partial'; reason: string }
  /** It answered, but not to the question. */
  | { state: 'refused'; reason: string }
  | { state: 'unreachable'; reason: string }

const vector = z.object({
  status: z.literal('success'),
  isPartial: z.boolean().optional(),
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
})
const failure = z.object({ status: z.literal('error'), error: z.string() })

/** Where a cluster of VictoriaMetrics and a single one have the API of Prometheus. */
export const queryPaths = ['/select/0/prometheus/api/v1/query', '/prometheus/api/v1/query'] as const

/** Asks for the value of an expression now. Never throws. */
export async function instantQuery(
  get: HTTPGet,
  path: string,
  expression: string,
  deadline: Deadline,
): Promise<QueryAnswer> {
  try {
    const { status, text } = await get(
      `${path}?${new URLSearchParams({ query: expression, nocache: '1' }).toString()}`,
      deadline,
    )
    const parsed = vector.safeParse(parseJSON(text))
    if (status !== 200 || !parsed.success) return { state: 'refused', reason: refusal(status, text) }
    const { isPartial, data } = parsed.data
    if (isPartial === true)
      return { state: 'partial', reason: 'the store answered in part only: one of its storage nodes is missing' }
    if (data.result.length === 0) return { state: 'empty' }
    return {
      state: 'series',
      series: data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: toNumber(value) })),
    }
  } catch (error) {
    return { state: 'unreachable', reason: messageOf(error) }
  }
}

function refusal(status: number, text: string): string {
  const failed = failure.safeParse(parseJSON(text))
  if (failed.success) return `the store refused the query (${status}): ${failed.data.error.slice(0, 200)}`
  return status === 200
    ? `the answer is no vector of Prometheus: ${text.slice(0, 120)}`
    : `the query was answered with ${status}: ${text.slice(0, 120)}`
}

/** Prometheus writes `+Inf`, `-Inf` and `NaN`. */
export const toNumber = (text: string): number => Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'))
