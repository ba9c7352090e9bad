import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { deadlineIn } from '../../check/deadline.ts'
import { parseJSON } from '../json.ts'
import type { AlertRule } from '../kinds/alerting.ts'
import type { Observer } from '../observe.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

const answer = z.object({
  status: z.literal('success'),
  data: z.object({
    groups: z.array(
      z.object({
        name: z.string(),
        rules: z.array(
          z.object({
            name: z.string(),
            type: z.string(),
            query: z.string(),
            health: z.string().default('unknown'),
            lastError: z.string().default(''),
            lastEvaluation: z.string(),
            lastSeriesFetched: z.number().nullish(),
          }),
        ),
      }),
    ),
  }),
})

/** A rule that was loaded a moment ago has its first evaluation within its interval. */
const patienceMs = 40_000
const pauseMs = 2_000
const isEvaluated = ({ lastEvaluation }: AlertRule) => !lastEvaluation.startsWith('0001-')

/** Asks vmalert for the alerts that it evaluates, again while one waits for its first evaluation. The path `/api/v1/rules` of the store itself is a stub, and is not asked. */
export const observeAlertRules: Observer = async (observing) => {
  const get = endpointOnInfra(observing, 'alertRules')
  const patience = deadlineIn(patienceMs, observing.deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until all of them were evaluated
    const { status, text } = await get('/api/v1/rules', observing.deadline)
    const rules = alertsIn(status, text)
    if (rules.every(isEvaluated) || patience.remainingMs() < pauseMs) return rules
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: observing.deadline.signal })
  }
}

function alertsIn(status: number, text: string): AlertRule[] {
  const parsed = answer.safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success)
    throw new Error(`vmalert answered ${status} with something that is no list of rules: ${text.slice(0, 120)}`)
  return parsed.data.data.groups.flatMap(({ name: group, rules }) =>
    rules.flatMap(({ type, name, lastSeriesFetched, ...rule }): AlertRule[] => {
      if (type !== 'alerting') return []
      const fetched = typeof lastSeriesFetched === 'number' ? { seriesFetched: lastSeriesFetched } : {}
      return [{ metadata: { name }, group, ...rule, ...fetched }]
    }),
  )
}
