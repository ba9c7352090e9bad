import { expect, test } from 'vitest'
import { failureBlock } from './failure-block.ts'
import type { Deviation, Result } from './result.ts'

const claim = { id: 'NET-08', lines: [46], quote: 'LoadBalancer: .150-.199' }

const uses = (name: string, address: string): Deviation => ({
  subject: `Service gitlab/${name}`,
  cluster: 'apps',
  found: `uses ${address}`,
  look: `-n gitlab get service ${name} -o yaml`,
})

const result = (changes: Partial<Result> = {}): Result => ({
  claim: 'NET-08',
  check: 'NET-08/loadBalancerPool',
  fact: 'every LoadBalancer address comes from the pool of its cluster',
  cluster: 'apps',
  outcome: 'deviates',
  judgedAs: 'deviates',
  reason: '1 of 4 LoadBalancer Services deviate',
  population: 'LoadBalancer Services',
  lookedAt: 4,
  needed: 1,
  expected: 'an address in 10.25.11.150-10.25.11.199',
  deviations: [uses('gitlab-webservice', '10.25.11.149')],
  figures: [],
  durationMs: 12,
  method: 'api',
  ...changes,
})

test('one deviation', () => {
  const evidence = 'reports/evidence/apps/NET-08.json'
  expect(failureBlock(result({ evidence }), claim, { contexts: { apps: 'admin@apps' } })).toMatchInlineSnapshot(`
    "DEVIATES  NET-08  every LoadBalancer address comes from the pool of its cluster                 apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 1 LoadBalancer Services
      found      1 of 4 LoadBalancer Services: Service gitlab/gitlab-webservice uses 10.25.11.149
      look       kubectl --context admin@apps -n gitlab get service gitlab-webservice -o yaml
      evidence   reports/evidence/apps/NET-08.json"
  `)
})

test('more deviations than anyone wants to read', () => {
  const deviations = Array.from({ length: 17 }, (_, index) => uses(`web-${index}`, `10.25.12.${index}`))
  expect(failureBlock(result({ deviations, lookedAt: 20, needed: 18, neededBecause: 'GitLab has 18 Services' }), claim))
    .toMatchInlineSnapshot(`
    "DEVIATES  NET-08  every LoadBalancer address comes from the pool of its cluster                 apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 18 LoadBalancer Services
                 (GitLab has 18 Services)
      found      17 of 20 LoadBalancer Services:
                 Service gitlab/web-0 uses 10.25.12.0
                 Service gitlab/web-1 uses 10.25.12.1
                 Service gitlab/web-2 uses 10.25.12.2
                 Service gitlab/web-3 uses 10.25.12.3
                 Service gitlab/web-4 uses 10.25.12.4
                 and 12 more
      look       kubectl --context apps -n gitlab get service web-0 -o yaml"
  `)
})

test('both clusters related, no command, several lines of the document', () => {
  const deviations = [
    { subject: 'podCIDR 10.244.0.0/16', cluster: 'apps' as const, found: 'is within 10.244.0.0/15 of infra' },
  ]
  const across = result({
    cluster: 'across',
    fact: 'no pod CIDR of one cluster overlaps one of the other',
    population: 'pod CIDRs',
    deviations,
  })
  expect(failureBlock(across, { id: 'NET-02', lines: [43, 44], quote: '' })).toMatchInlineSnapshot(`
    "DEVIATES  NET-02  no pod CIDR of one cluster overlaps one of the other                   infra, apps
      document   lines 43, 44
      needed     an address in 10.25.11.150-10.25.11.199, for each of at least 1 pod CIDRs
      found      1 of 4 pod CIDRs: apps: podCIDR 10.244.0.0/16 is within 10.244.0.0/15 of infra"
  `)
})

test('disputed, with the figures beside each other', () => {
  const disputed = result({
    outcome: 'disputed',
    fact: 'Ceph offers 3 TB of usable space',
    expected: '3 TB usable',
    population: 'CephClusters',
    lookedAt: 1,
    deviations: [{ subject: 'CephCluster rook-ceph/rook-ceph', cluster: 'apps', found: 'offers 0.98 TB' }],
    figures: [{ name: 'usable space', unit: 'TB', documented: 3, observed: 0.98 }],
  })
  const dispute = { id: 'C-01', says: '3 TB usable', but: 'Three copies on 3 TB raw leave about 1 TB usable.' }
  expect(failureBlock(disputed, { id: 'STO-05', lines: [320], quote: '3 TB usable', dispute })).toMatchInlineSnapshot(`
    "DISPUTED  STO-05  Ceph offers 3 TB of usable space                                              apps
      document   line 320: "3 TB usable"
      but        Three copies on 3 TB raw leave about 1 TB usable.
      needed     3 TB usable, for each of at least 1 CephClusters
      found      1 of 1 CephClusters: CephCluster rook-ceph/rook-ceph offers 0.98 TB
      figure     usable space: documented 3 TB, observed 0.98 TB"
  `)
})

test('inconclusive before anything was looked at', () => {
  const reason =
    'Services on apps may not be read: services is forbidden: User "reader" cannot list resource "services"'
  const forbidden = result({
    outcome: 'inconclusive',
    judgedAs: 'inconclusive',
    reason,
    expected: '',
    lookedAt: 0,
    deviations: [],
  })
  expect(failureBlock(forbidden, claim)).toMatchInlineSnapshot(`
    "INCONCLUSIVE  NET-08  every LoadBalancer address comes from the pool of its cluster             apps
      document   line 46: "LoadBalancer: .150-.199"
      needed     at least 1 LoadBalancer Services
      found      Services on apps may not be read: services is forbidden: User "reader" cannot list
                 resource "services""
  `)
})
