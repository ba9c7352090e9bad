import type { Deadline } from '../../check/deadline.ts'
import type { QueryAnswer, Series } from '../clients/promql.ts'
import { instantQuery, queryPaths } from '../clients/promql.ts'
import type { HTTPGet } from '../http-forward.ts'

/** Series that answer a query, none if there are none; throws when the store does not answer it, or not in full. */
export type Store = (expression: string) => Promise<Series[]>

/** Finds the API of the store: that of a cluster or of a single one. Throws when neither answers. */
export async function openStore(get: HTTPGet, deadline: Deadline): Promise<Store> {
  const reasons: string[] = []
  for (const path of queryPaths) {
    // oxlint-disable-next-line no-await-in-loop -- the second only if the first is not there
    const answer = await instantQuery(get, path, 'vector(1)', deadline)
    if (answer.state === 'series')
      return async (expression) => seriesOf(await instantQuery(get, path, expression, deadline), expression)
    reasons.push(`${path}: ${'reason' in answer ? answer.reason : 'nothing came back for vector(1)'}`)
    if (answer.state === 'unreachable' || answer.state === 'partial') break
  }
  throw new Error(`the metrics store on infra answers no query: ${reasons.join('; ')}`)
}

function seriesOf(answer: QueryAnswer, expression: string): Series[] {
  if (answer.state === 'series') return answer.series
  if (answer.state === 'empty') return []
  throw new Error(`the metrics store on infra did not answer ${expression}: ${answer.reason}`)
}
