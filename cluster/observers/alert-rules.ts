import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { HTTPGet } from '../http-forward.ts'
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

/** What an evaluation found before the first samples came says nothing of the next one; that one says it. */
const isSettled = (rule: AlertRule, before: readonly AlertRule[]) =>
  isEvaluated(rule) &&
  (rule.seriesFetched !== 0 ||
    before.some(
      ({ metadata, group, lastEvaluation }) =>
        metadata.name === rule.metadata.name && group === rule.group && lastEvaluation !== rule.lastEvaluation,
    ))

/** Asks vmalert for the alerts that it evaluates. The path `/api/v1/rules` of the store itself is a stub, and is not asked. */
export const observeAlertRules: Observer = (observing) =>
  settledAlerts(endpointOnInfra(observing, 'alertRules'), observing.deadline)

/** The alerts, asked for again while one waits for its first evaluation, or for one more after it found no series. */
export async function settledAlerts(get: HTTPGet, deadline: Deadline, pause = pauseMs): Promise<AlertRule[]> {
  const patience = deadlineIn(patienceMs, deadline.signal)
  let before: readonly AlertRule[] | undefined
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until all of them were evaluated
    const { status, text } = await get('/api/v1/rules', deadline)
    const rules = alertsIn(status, text)
    const first = (before ??= rules)
    if (rules.every((rule) => isSettled(rule, first)) || patience.remainingMs() < pause) return rules
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pause, undefined, { signal: deadline.signal })
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
