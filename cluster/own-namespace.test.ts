import { expect, test } from 'vitest'
import { deadlineIn } from '../check/deadline.ts'
import type { Connection } from './connection.ts'
import { create } from './own-namespace.ts'

const lease = (run: string) => ({ metadata: { name: 'holder', labels: { 'conformance/run': run } } })

/** An API server that answers creations in this order, and has this object. */
function server(statuses: readonly number[], there: unknown): Connection {
  const left = [...statuses]
  return {
    context: 'infra',
    server: 'https://127.0.0.1:1',
    send: async (change) => {
      const status = left.shift() ?? 500
      return { status, text: status === 201 ? JSON.stringify('body' in change ? change.body : {}) : '{}' }
    },
    get: async () => ({ status: 200, text: JSON.stringify(there) }),
    upgrade: () => Promise.reject(new Error('no stream is opened here')),
    certificate: () => Promise.reject(new Error('no certificate is looked at here')),
    close: async () => {},
  }
}

const made = (statuses: readonly number[], there: unknown = {}) =>
  create(server(statuses, there), '/leases', lease('mine'), deadlineIn(20_000))

test('a server that is out of breath is asked again', async () => {
  expect(await made([500, 201])).toEqual(lease('mine'))
})

test('what it made although it said no is taken, and only that of this run: a Lease of another run is refused', async () => {
  expect(await made([500, 409], lease('mine'))).toEqual(lease('mine'))
  await expect(made([500, 409], lease('another'))).rejects.toThrow('refused POST /leases')
  await expect(made([500, 409], { metadata: { name: 'holder' } })).rejects.toThrow('refused POST /leases')
})

test('what is there before anything was asked for is not ours', async () => {
  await expect(made([409], lease('mine'))).rejects.toThrow('refused POST /leases')
})
