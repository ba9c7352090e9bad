import { z } from 'zod'
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

/** Asks vmalert for the alerts that it evaluates. The path `/api/v1/rules` of the store itself is a stub, and is not asked. */
export const observeAlertRules: Observer = async (observing) => {
  const { status, text } = await endpointOnInfra(observing, 'alertRules')('/api/v1/rules', observing.deadline)
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
