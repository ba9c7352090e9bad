import { expect, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import { settledAlerts } from './alert-rules.ts'

const never = '0001-01-01T00:00:00Z'
const at = (second: number) => `2025-11-29T13:00:${String(second).padStart(2, '0')}Z`

/** What vmalert says of one alert: when it was last evaluated, and how many series it found. */
type Said = [lastEvaluation: string, lastSeriesFetched: number | undefined]

const answer = ([lastEvaluation, lastSeriesFetched]: Said) =>
  JSON.stringify({
    status: 'success',
    data: {
      groups: [
        {
          name: 'linkerd',
          rules: [
            { name: 'recorded', type: 'recording', query: 'up', lastEvaluation: never },
            { name: 'GatewayDown', type: 'alerting', query: 'gateway_alive == 0', lastEvaluation, lastSeriesFetched },
          ],
        },
      ],
    },
  })

/** Asks a vmalert that says one thing after the other; tells how often it was asked and what of it counted. */
async function asked(...said: Said[]) {
  let times = 0
  const get = () => Promise.resolve({ status: 200, text: answer(said[times++] ?? [never, 0]) })
  const [rule] = await settledAlerts(get, deadlineIn(2_000), 1)
  return { times, evaluated: rule?.lastEvaluation, series: rule?.seriesFetched }
}

test('an alert that found series is settled', async () => {
  expect(await asked([at(1), 3])).toEqual({ times: 1, evaluated: at(1), series: 3 })
})

test('so is one whose vmalert does not count them', async () => {
  expect(await asked([at(1), undefined])).toEqual({ times: 1, evaluated: at(1), series: undefined })
})

test('one that was never evaluated is waited for', async () => {
  expect(await asked([never, 0], [never, 0], [at(2), 3])).toEqual({ times: 3, evaluated: at(2), series: 3 })
})

test('one that found nothing is asked for once more, after its next evaluation', async () => {
  expect(await asked([at(1), 0], [at(1), 0], [at(16), 3])).toEqual({ times: 3, evaluated: at(16), series: 3 })
  expect(await asked([at(1), 0], [at(16), 0], [at(31), 3])).toEqual({ times: 2, evaluated: at(16), series: 0 })
})

test('another answer is an error that says what came', async () => {
  const stub = () => Promise.resolve({ status: 404, text: '{"standIn":"vmalert"}' })
  await expect(settledAlerts(stub, deadlineIn(2_000), 1)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: vmalert answered 404 with something that is no list of rules: {"standIn":"vmalert"}]`,
  )
})
