import { describe, expect, test } from 'vitest'
import { storageClasses } from '../cluster/kinds/storage.ts'
import { loadPlatform } from '../platform/platform.ts'
import { hostsIn } from './data-placement.ts'
import { limitOf } from './recovery-cluster.ts'
import { isOutside } from './recovery-targets.ts'
import { basePathOf, monitorsOf } from './storage-volumes.ts'

const { figures, names } = loadPlatform()

describe('the hosts in a configuration of GitLab, which is a template', () => {
  test('are found beside and inside of a URL with a password', () => {
    const database =
      'production:\n  main:\n    password: "<%= File.read("/etc/psql") %>"\n    host: "postgres-rw-infra.databases.svc"\n'
    const cache =
      'production:\n  url: redis://:<%= ERB::Util::url_encode(File.read("/etc/redis").strip) %>@dragonfly-infra.databases.svc:6379\n'
    expect(hostsIn(database)).toEqual(['postgres-rw-infra.databases.svc'])
    expect(hostsIn(cache)).toEqual(['dragonfly-infra.databases.svc'])
    expect(hostsIn('production:\n  url: rediss://10.25.11.120:6379\n')).toEqual(['10.25.11.120'])
  })

  test('are none where none is named', () => {
    expect(hostsIn('')).toEqual([])
  })
})

describe('what a backup does not take', () => {
  test.each([
    [{}, undefined],
    [{ includedNamespaces: ['*'], excludedNamespaces: [] }, undefined],
    [{ includedNamespaces: null, includeClusterResources: null }, undefined],
    [{ includedNamespaces: ['gitlab'] }, 'takes only the namespaces gitlab'],
    [{ includedNamespaces: ['*'], excludedNamespaces: ['kube-system'] }, 'leaves out the namespaces kube-system'],
    [{ includedResources: ['pods'] }, 'takes only the resources pods'],
    [{ excludedClusterScopedResources: ['nodes'] }, 'leaves out the resources nodes'],
    [{ includeClusterResources: false }, 'leaves out what is in no namespace'],
    [{ labelSelector: { matchLabels: { app: 'x' } } }, 'takes only what a label selects'],
  ])('%j', (scope, limit) => {
    expect(limitOf(scope)).toBe(limit)
  })
})

describe('whether a target of backups is the store outside both clusters', () => {
  test.each([
    ['https://minio.nas.monosense.io', true],
    ['https://minio.nas.monosense.io:443/', true],
    ['http://10.25.11.3:9000', true],
    ['http://minio.nas.monosense.io', 'writes to minio.nas.monosense.io:80'],
    ['http://minio.storage.svc:9000', 'writes to minio.storage.svc, a Service of the cluster itself'],
    ['http://minio:9000', 'writes to minio, a Service of the cluster itself'],
    ['http://10.25.11.149:9000', 'writes to 10.25.11.149, an address of infra'],
    ['http://10.247.3.4:9000', 'writes to 10.247.3.4, an address of apps'],
    ['https://s3.amazonaws.com', 'writes to s3.amazonaws.com:443'],
    ['minio', 'names minio, which is no URL'],
    [undefined, 'names no endpoint'],
  ])('%s', (endpoint, outside) => {
    expect(isOutside(endpoint, figures, names)).toBe(outside)
  })
})

test('the monitors of Ceph in the text of Rook', () => {
  expect(monitorsOf('a=10.25.11.14:6789,b=[fd00::1]:6789')).toEqual([
    { name: 'a', address: '10.25.11.14' },
    { name: 'b', address: 'fd00::1' },
  ])
  expect(monitorsOf('')).toEqual([])
})

test('the folder of a class of OpenEBS, without its last slash', () => {
  const classWith = (config?: string) =>
    storageClasses.schema.parse({
      kind: 'StorageClass',
      metadata: { name: 'local', annotations: config === undefined ? {} : { 'cas.openebs.io/config': config } },
      provisioner: 'openebs.io/local',
    })
  expect(
    basePathOf(classWith('- name: StorageType\n  value: hostpath\n- name: BasePath\n  value: /var/mnt/nvme/\n')),
  ).toBe('/var/mnt/nvme')
  expect(basePathOf(classWith('- name: StorageType\n  value: hostpath\n'))).toBeUndefined()
  expect(basePathOf(classWith())).toBeUndefined()
})
