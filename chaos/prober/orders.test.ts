import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import { APIDouble } from '../double/api-double.ts'
import { kubeconfigOf, openDouble } from '../double/field-double.ts'
import type { Field } from '../field.ts'
import type { Journey } from './journey.ts'
import { postingOf } from './orders.ts'

// On a double of the API server: where a prober is sent, not what it finds there.
const service = '/api/v1/namespaces/demo/services/echo'
const journey: Journey = {
  id: 'echo',
  by: 'service',
  from: 'apps',
  namespace: 'demo',
  service: 'echo',
  port: 8080,
  path: '/healthz',
  meshed: false,
  periodMs: 200,
  timeoutMs: 1_000,
}
let folder: string
let double: APIDouble
let field: Field

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-'))
  double = await APIDouble.start({ uid: 'uid', replaceMs: 0 })
  const file = join(folder, 'kubeconfig')
  await writeFile(file, kubeconfigOf({ infra: double.port, apps: double.port }))
  field = { ...(await openDouble(file, folder)), placeOn: async () => ['somewhere'] }
})
afterAll(async () => {
  await Promise.all([field.connections.infra.close(), field.connections.apps.close()])
  double.stop()
  await rm(folder, { recursive: true })
})

const posted = () => postingOf(journey, 'e-1', field, [], deadlineIn(10_000))

test('a Service is asked at its address, where the prober has a place', async () => {
  expect(await posted()).toMatchObject({
    order: { do: 'get', url: 'http://127.0.0.1:8080/healthz' },
    place: ['somewhere'],
  })
})

test('a Service without an address of its own is asked through the API server', async () => {
  const there = double.objects.get(service)
  if (!there) throw new Error('the double has no Service')
  double.objects.set(service, { ...there, spec: { clusterIP: 'None' } })
  expect(await posted()).toMatchObject({
    order: { do: 'api', path: '/api/v1/namespaces/demo/services/echo:8080/proxy/healthz', isWrite: false },
    place: [],
  })
  double.objects.delete(service)
  await expect(posted()).rejects.toThrow('has no Service demo/echo')
})
