import { expect, test } from 'vitest'
import { differingFrom, portable } from './portable.ts'

const service = {
  metadata: {
    name: 'keeper',
    namespace: 'here',
    uid: '6f0c',
    resourceVersion: '12',
    creationTimestamp: '2026-01-01T00:00:00Z',
    managedFields: [],
    labels: { app: 'keeper' },
  },
  spec: {
    clusterIP: '10.245.1.2',
    clusterIPs: ['10.245.1.2'],
    selector: { app: 'keeper' },
    ports: [{ port: 8080, nodePort: 30_123 }],
  },
  status: { loadBalancer: {} },
}

test('an object keeps what somebody wrote, and leaves what a cluster handed out', () => {
  expect(portable(service)).toEqual({
    metadata: { name: 'keeper', labels: { app: 'keeper' } },
    spec: { selector: { app: 'keeper' }, ports: [{ port: 8080 }] },
  })
  const annotations = { 'deployment.kubernetes.io/revision': '3', note: 'mine' }
  expect(portable({ metadata: { name: 'keeper', annotations } })).toEqual({
    metadata: { name: 'keeper', annotations: { note: 'mine' } },
  })
})

test('what did not come back, and what came back changed, is said by name; what is new is not', () => {
  const [one, two, three] = ['one', 'two', 'three'].map((name) => ({ metadata: { name }, data: { text: name } }))
  if (!one || !two || !three) throw new Error('three objects')
  const before = [{ kind: 'ConfigMap', items: [one, two] }]
  expect(differingFrom(before, [{ kind: 'ConfigMap', items: [two, one, three] }])).toEqual([])
  expect(differingFrom(before, [{ kind: 'ConfigMap', items: [{ ...one, data: { text: 'else' } }] }])).toEqual([
    'ConfigMap one came back changed',
    'ConfigMap two did not come back',
  ])
  expect(differingFrom(before, [])).toHaveLength(2)
})
