import { describe, expect, test } from 'vitest'
import type { Target } from '../refusals.ts'
import { faultSchema } from '../scenario.ts'
import type { ChaosMeshFault } from './chaos-mesh.ts'
import { chaosObject } from './chaos-mesh.ts'

const target: Target = {
  kind: 'Pod',
  cluster: 'apps',
  namespace: 'demo',
  name: 'echo-1',
  uid: 'uid',
  owner: 'ReplicaSet echo',
}
const actions = ['pod-kill', 'pod-failure', 'partition', 'delay', 'cpu-stress', 'io-latency'] as const

const fault = (action: string) =>
  faultSchema.parse({
    driver: 'chaos-mesh',
    action,
    atMost: 1,
    pods: { namespace: 'demo', labels: { app: 'echo' }, take: 1 },
  }) as ChaosMeshFault

describe.each(actions)('an object of Chaos Mesh for %s', (action) => {
  const { metadata, spec } = chaosObject('e-1', fault(action), 30, [target])

  test('names its pods and their namespace: an empty list of namespaces would select the cluster', () => {
    expect(spec.selector).toEqual({ namespaces: ['demo'], pods: { demo: ['echo-1'] } })
    expect([spec.mode, spec.value]).toEqual(['fixed', '1'])
  })

  test('carries the label that the sweep looks for', () => {
    expect(metadata.labels).toMatchObject({ 'conformance/chaos': 'e-1' })
  })

  test('ends by itself, later than the fault by the skew of its creation; a kill is over at once and is not forced', () => {
    expect('gracePeriod' in spec ? { gracePeriod: spec.gracePeriod } : { duration: spec.duration }).toEqual(
      action === 'pod-kill' ? { gracePeriod: 1 } : { duration: '33s' },
    )
  })
})
