import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import type { Connection } from '../../cluster/connection.ts'
import { connect } from '../../cluster/connection.ts'
import { chaosMeshGroup, chaosMeshVersion, chaosObject } from '../drivers/chaos-mesh.ts'
import type { ChaosMeshFault } from '../drivers/chaos-mesh.ts'
import { faultSchema } from '../scenario.ts'
import type { DefinedKind } from './definitions.ts'
import { definedKinds, readDefinitions } from './definitions.ts'
import { typesOf } from './generated-types.ts'

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const budgetMs = 60_000
let connection: Connection

const pathOf = (kind: DefinedKind) =>
  `/apis/${chaosMeshGroup}/${chaosMeshVersion}/namespaces/demo/${kind}?dryRun=All&fieldValidation=Strict`

beforeAll(async () => {
  connection = await connect(inject('pairKubeconfig'), 'apps')
  const deadline = deadlineIn(budgetMs)
  for (const definition of Object.values(await readDefinitions())) {
    // oxlint-disable-next-line no-await-in-loop -- four of them
    const { status, text } = await connection.send(
      { method: 'POST', path: definitionsPath, body: definition },
      deadline,
    )
    if (status !== 201) throw new Error(`${definition.metadata.name} was refused: ${text.slice(0, 300)}`)
  }
  for (const kind of definedKinds) {
    const list = pathOf(kind).split('?')[0] ?? ''
    // oxlint-disable-next-line no-await-in-loop -- until it is served
    while ((await connection.get(list, deadline)).status !== 200) await sleep(200)
  }
})

afterAll(async () => {
  const deadline = deadlineIn(budgetMs)
  const remove = (kind: DefinedKind) =>
    connection.send({ method: 'DELETE', path: `${definitionsPath}/${kind}.${chaosMeshGroup}` }, deadline)
  await Promise.all(definedKinds.map(remove))
  await connection.close()
})

const kindOf: Record<ChaosMeshFault['action'], DefinedKind> = {
  'pod-kill': 'podchaos',
  'pod-failure': 'podchaos',
  partition: 'networkchaos',
  delay: 'networkchaos',
  'cpu-stress': 'stresschaos',
  'io-latency': 'iochaos',
}
const objectOf = (action: ChaosMeshFault['action']) => {
  const pods = { namespace: 'demo', labels: { app: 'echo' }, take: 1 }
  const fault = faultSchema.parse({ driver: 'chaos-mesh', action, atMost: 1, pods }) as ChaosMeshFault
  return chaosObject('e-1', fault, 30, [
    { kind: 'Pod', cluster: 'apps', namespace: 'demo', name: 'echo-1', uid: 'uid', owner: 'ReplicaSet echo' },
  ])
}

test.each(Object.keys(kindOf) as ChaosMeshFault['action'][])(
  'a real API server with the real definitions takes the object for %s, and no other one',
  async (action) => {
    const object = objectOf(action)
    const send = (body: unknown) =>
      connection.send({ method: 'POST', path: pathOf(kindOf[action]), body }, deadlineIn(budgetMs))
    const taken = await send(object)
    expect([taken.status, taken.status === 201 ? '' : taken.text.slice(0, 300)]).toEqual([201, ''])
    expect((await send({ ...object, spec: { ...object.spec, value: 1 } })).status).toBeGreaterThanOrEqual(400)
    expect((await send({ ...object, spec: { ...object.spec, mode: 'most' } })).status).toBe(422)
    expect((await send({ ...object, spec: { ...object.spec, unheardOf: true } })).status).toBe(400)
  },
)

test('the types are those of the definitions', async () => {
  const written = await readFile(join(import.meta.dirname, 'types.generated.ts'), 'utf8')
  expect(written).toBe(await typesOf())
})
