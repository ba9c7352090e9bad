import { describe, expect, test } from 'vitest'
import { persistentVolumeClaims } from '../kinds/storage.ts'
import { cephItems } from './ceph.ts'
import { volumesIn } from './mounted-volumes.ts'

/** Two of three nodes of a tree as Ceph 19 prints it, cut to what matters and a little more. */
const tree = {
  nodes: [
    { id: -1, name: 'default', type: 'root', type_id: 11, children: [-5, -3] },
    { id: -3, name: 'infra-01', type: 'host', type_id: 1, pool_weights: {}, children: [0] },
    { id: 0, device_class: 'nvme', name: 'osd.0', type: 'osd', type_id: 0, status: 'up', reweight: 1 },
    { id: -5, name: 'infra-02', type: 'host', type_id: 1, pool_weights: {}, children: [1] },
    { id: 1, device_class: 'nvme', name: 'osd.1', type: 'osd', type_id: 0, status: 'down', reweight: 0 },
  ],
  stray: [],
}
const dump = {
  epoch: 61,
  fsid: '5f9c4a2e-4f0e-4a4b-9c7e-2f3f2f0c1b11',
  pools: [
    { pool: 1, pool_name: '.mgr', size: 3, min_size: 2, crush_rule: 0, pg_num: 1 },
    { pool: 2, pool_name: 'replicapool', size: 3, min_size: 2, crush_rule: 1, pg_num: 32 },
  ],
  osds: [
    { osd: 0, uuid: 'a', up: 1, in: 1, weight: 1 },
    { osd: 1, uuid: 'b', up: 0, in: 1, weight: 1 },
  ],
}
const usage = {
  stats: { total_bytes: 3000614658048, total_avail_bytes: 2910614658048 },
  pools: [
    { name: '.mgr', id: 1, stats: { stored: 590368, objects: 2, max_avail: 921690931200 } },
    { name: 'replicapool', id: 2, stats: { stored: 30000000000, objects: 7200, max_avail: 921690931200 } },
  ],
}

describe('what Ceph says', () => {
  test('becomes a daemon per drive with its host, and a pool with copies and space', () => {
    const items = cephItems({ tree, dump, usage })
    expect(items.map(({ metadata, ...item }) => ({ name: metadata.name, ...item }))).toEqual([
      { name: 'osd.0', what: 'storage daemon', host: 'infra-01', up: true, in: true },
      { name: 'osd.1', what: 'storage daemon', host: 'infra-02', up: false, in: true },
      { name: '.mgr', what: 'pool', size: 3, minSize: 2, storedBytes: 590368, availableBytes: 921690931200 },
      {
        name: 'replicapool',
        what: 'pool',
        size: 3,
        minSize: 2,
        storedBytes: 30000000000,
        availableBytes: 921690931200,
      },
    ])
  })

  test('in another form is an error that names the command, not an empty answer', () => {
    expect(() => cephItems({ tree, dump: { pools: [] }, usage })).toThrow('ceph osd dump answered in another form')
  })

  test('of a drive below no host has no host', () => {
    const [first] = cephItems({ tree: { nodes: [] }, dump, usage })
    expect(first).toMatchObject({ host: 'no host' })
  })
})

const claim = (name: string) =>
  persistentVolumeClaims.schema.parse({
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'databases' },
    spec: { storageClassName: 'openebs-local-nvme', volumeName: `pvc-${name}` },
    status: { phase: 'Bound' },
  })

describe('what a kubelet says of volumes', () => {
  // As `GET /api/v1/nodes/NAME/proxy/stats/summary` of Kubernetes 1.34 has it.
  const statistics = {
    node: { nodeName: 'infra-01' },
    pods: [
      {
        podRef: { name: 'postgres-1', namespace: 'databases', uid: 'u' },
        volume: [
          { time: '2026-11-25T03:15:00Z', name: 'scratch-data', capacityBytes: 499000000000, usedBytes: 12288 },
          {
            time: '2026-11-25T03:15:00Z',
            name: 'pgdata',
            capacityBytes: 511000000000,
            availableBytes: 490000000000,
            usedBytes: 21000000000,
            pvcRef: { name: 'postgres-1', namespace: 'databases' },
          },
        ],
      },
      { podRef: { name: 'fresh', namespace: 'databases', uid: 'v' } },
    ],
  }

  test('is the filesystem of each claim that it has mounted', () => {
    const found = volumesIn(statistics, 'infra-01', [claim('postgres-1'), claim('postgres-2')])
    expect(found).toMatchObject([
      {
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'postgres-1' },
        storageClassName: 'openebs-local-nvme',
        node: 'infra-01',
        capacityBytes: 511000000000,
      },
    ])
    expect(found).toHaveLength(1)
  })

  test('of a volume that is not measured yet is nothing', () => {
    const fresh = { pods: [{ volume: [{ pvcRef: { name: 'postgres-1', namespace: 'databases' } }] }] }
    expect(volumesIn(fresh, 'infra-01', [claim('postgres-1')])).toEqual([])
  })

  test('in another form is an error that names the node', () => {
    expect(() => volumesIn('<html>', 'infra-01', [])).toThrow('the kubelet of infra-01 gave no statistics')
  })
})
