import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ClusterFigures } from './platform.ts'
import { loadPlatform, namespaceOf } from './platform.ts'

const ours = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')

// Whole files are read again and again, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'platform-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** One of our files with one text in it replaced. */
function change(file: string, from: string, to: string): void {
  const text = ours(file)
  if (text.split(from).length !== 2) throw new Error(`${file} has to hold ${from} once`)
  writeFileSync(join(folder, file), text.replace(from, to))
}

/** What loading the folder fails with. The number of a line is replaced by what stands there, so that our files may grow. */
function refusal(): string {
  try {
    loadPlatform(folder)
  } catch (error) {
    return String(error)
      .replaceAll(relative(process.cwd(), folder), '<folder>')
      .replaceAll(folder, '<folder>')
      .replace(/<folder>\/(\S+):(\d+)/, (_, file: string, line: string) => `${file} <${lineOf(file, Number(line))}>`)
  }
  return 'nothing: it loads'
}

const lineOf = (file: string, line: number) => readFileSync(join(folder, file), 'utf8').split('\n')[line - 1]?.trim()

describe('our files', () => {
  test('load', () => {
    const { figures, names, waivers } = loadPlatform()
    expect(figures.document).toMatchObject({ title: 'MULTI-CLUSTER-OVERVIEW', version: 'v2.0', date: '2025-10-15' })
    expect(figures.clusters.infra.nodes.map(({ address }) => address)).toEqual([
      '10.25.11.11',
      '10.25.11.12',
      '10.25.11.13',
    ])
    expect(figures.clusters.apps.loadBalancerPool).toMatchObject({ start: '10.25.11.150', stop: '10.25.11.199' })
    expect(namespaceOf(names, 'linkerdMulticluster')).toBe('linkerd-multicluster')
    expect(waivers).toEqual([])
  })

  test('hold 157 claims with ids of their own', () => {
    const ids = loadPlatform().claims.map(({ id }) => id)
    expect(ids).toHaveLength(157)
    expect(new Set(ids).size).toBe(157)
  })

  test('budget no more than the document has room for', () => {
    const { clusters } = loadPlatform().figures
    for (const { budgets, node, nodes, used, available } of [clusters.infra, clusters.apps]) {
      const cpuCores = budgets.reduce((sum, budget) => sum + budget.cpuCores, 0)
      expect(cpuCores).toBeCloseTo(used.cpuCores, 0)
      expect(used.cpuCores + available.cpuCores).toBe(node.cpuCores * nodes.length)
      expect(used.memoryGB + available.memoryGB).toBe(node.memoryGB * nodes.length)
    }
  })
})

const budgeted = ({ budgets }: ClusterFigures) => budgets.map(({ component }) => component).toSorted()

describe('the components', () => {
  const { components, clusters } = loadPlatform().figures
  const judgedBy = (claim: string) => components.filter(({ claims }) => claims.includes(claim)).map(({ id }) => id)

  test('are all the services and applications that the document lists', () => {
    expect(judgedBy('WORK-01')).toHaveLength(20)
    expect(judgedBy('WORK-02')).toEqual(['gitlab', 'gitlab-runner', 'harbor', 'mattermost'])
  })

  test('belong to one cluster alone exactly when WORK-03 says so', () => {
    const exclusive = components.filter((component) => component.exclusive)
    expect(exclusive).toEqual(components.filter(({ claims }) => claims.includes('WORK-03')))
    expect(exclusive.every((component) => component.clusters.length === 1)).toBe(true)
  })

  test('that have a budget say which claim judges it', () => {
    expect(budgeted(clusters.infra)).toEqual([...judgedBy('RES-07'), 'linkerd-proxies'].toSorted())
    expect(budgeted(clusters.apps)).toEqual([...judgedBy('RES-08'), 'linkerd-proxies'].toSorted())
  })
})

describe('a folder of its own', () => {
  test('replaces the files that it holds, and those only', () => {
    change('platform.yaml', '\nphase: 2\n', '\nphase: 6\n')
    expect(loadPlatform(folder).figures.phase).toBe(6)
    expect(loadPlatform(folder).claims).toEqual(loadPlatform().claims)
  })

  test('can be named by CONFORMANCE_PLATFORM', () => {
    change('platform.yaml', '\nphase: 2\n', '\nphase: 3\n')
    vi.stubEnv('CONFORMANCE_PLATFORM', folder)
    expect(loadPlatform().figures.phase).toBe(3)
  })

  test('may not hold a misspelt file', () => {
    writeFileSync(join(folder, 'waiver.yaml'), '[]\n')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      the folder <folder>
        expected   any of platform.yaml, claims.yaml, names.yaml, waivers.yaml, and no other YAML file
        found      waiver.yaml
        try        name a folder with your copies of these files in CONFORMANCE_PLATFORM, or unset it"
    `)
  })

  test('has to exist', () => {
    expect(() => loadPlatform(join(folder, 'nowhere'))).toThrow('no such folder')
  })
})

describe('a file that is wrong is refused with file, line and path', () => {
  test('unknown key', () => {
    change('platform.yaml', 'endpoint: {host: apps.k8s.monosense.io,', 'endpoint: {hots: apps.k8s.monosense.io,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <endpoint: {hots: apps.k8s.monosense.io, lines: [36, 146]}> clusters.apps.endpoint.hots
        expected   one of the keys host, lines, source
        found      an unknown key hots
        try        mend this line; 1 more in this file: clusters.apps.endpoint.host"
    `)
  })

  test('unknown name', () => {
    change('names.yaml', '  link: {cluster: apps, name: infra,', '  lnik: {cluster: apps, name: infra,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      names.yaml <lnik: {cluster: apps, name: infra, seed: false}> mirroring.lnik
        expected   one of the keys suffix, link, reverseLink, controller, probe, gatewayIdentity
        found      an unknown key lnik
        try        mend this line; 1 more in this file: mirroring.link"
    `)
  })

  test('name of the document without its lines', () => {
    change('names.yaml', '{name: rook-ceph-block, seed: true, lines: [277],', '{name: rook-ceph-block, seed: true,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      names.yaml <block: {name: rook-ceph-block, seed: true, alternatives: [ceph-block], detect: provisioner rook-ceph.rbd.csi.ceph.com}> storageClasses.block
        expected   lines of the document, since seed is true
        found      no lines
        try        mend this line"
    `)
  })

  test('wrong type', () => {
    change('platform.yaml', 'mesh:\n  leafLifetime: {hours: 24,', 'mesh:\n  leafLifetime: {hours: 24h,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <leafLifetime: {hours: 24h, lines: [374]}> mesh.leafLifetime.hours
        expected   a number
        found      "24h"
        try        mend this line"
    `)
  })

  test('missing value', () => {
    change('claims.yaml', '  claim: Both clusters run Kubernetes 1.34.1.\n', '')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      claims.yaml <- id: VER-02> [146].claim
        expected   a text
        found      nothing
        try        mend this line"
    `)
  })

  test('figure without a place', () => {
    change('platform.yaml', 'headroom: {minimumFreeShare: 0.25, source: ours}', 'headroom: {minimumFreeShare: 0.25}')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <headroom: {minimumFreeShare: 0.25}> headroom
        expected   lines of the document, or a source
        found      {"minimumFreeShare":0.25}
        try        mend this line"
    `)
  })

  test('CIDR with host bits', () => {
    change('platform.yaml', 'podCIDR: {value: 10.246.0.0/16,', 'podCIDR: {value: 10.246.1.0/16,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <podCIDR: {value: 10.246.1.0/16, lines: [43]}> clusters.apps.podCIDR.value
        expected   an IPv4 network in CIDR notation, such as 10.244.0.0/16
        found      "10.246.1.0/16"
        try        mend this line"
    `)
  })

  test('overlapping ranges', () => {
    change('platform.yaml', 'podCIDR: {value: 10.246.0.0/16,', 'podCIDR: {value: 10.244.128.0/17,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <podCIDR: {value: 10.244.128.0/17, lines: [43]}> clusters.apps.podCIDR.value
        expected   a range of its own
        found      10.244.128.0/17, which overlaps podCIDR of infra (10.244.0.0/16)
        try        mend this line"
    `)
  })

  test('pool outside the node network', () => {
    change('platform.yaml', '{start: 10.25.11.150, stop: 10.25.11.199,', '{start: 10.25.12.100, stop: 10.25.12.120,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <loadBalancerPool: {start: 10.25.12.100, stop: 10.25.12.120, lines: [33, 46]}> clusters.apps.loadBalancerPool
        expected   inside the node network 10.25.11.0/24
        found      10.25.12.100-10.25.12.120
        try        mend this line"
    `)
  })

  test('pool that holds a node', () => {
    change('platform.yaml', '{start: 10.25.11.100, stop: 10.25.11.149,', '{start: 10.25.11.16, stop: 10.25.11.149,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <loadBalancerPool: {start: 10.25.11.16, stop: 10.25.11.149, lines: [33, 46]}> clusters.infra.loadBalancerPool
        expected   a pool without addresses in use
        found      10.25.11.16-10.25.11.149, which holds node apps-03 (10.25.11.16)
        try        mend this line"
    `)
  })

  test('pools that overlap', () => {
    change('platform.yaml', '{start: 10.25.11.150, stop: 10.25.11.199,', '{start: 10.25.11.149, stop: 10.25.11.199,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <loadBalancerPool: {start: 10.25.11.149, stop: 10.25.11.199, lines: [33, 46]}> clusters.apps.loadBalancerPool
        expected   a range of its own
        found      10.25.11.149-10.25.11.199, which overlaps the LoadBalancer pool of infra (10.25.11.100-10.25.11.149)
        try        mend this line"
    `)
  })

  test('pool that is backwards', () => {
    change('platform.yaml', '{start: 10.25.11.100, stop: 10.25.11.149,', '{start: 10.25.11.149, stop: 10.25.11.100,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <loadBalancerPool: {start: 10.25.11.149, stop: 10.25.11.100, lines: [33, 46]}> clusters.infra.loadBalancerPool
        expected   a start that is not behind the stop
        found      10.25.11.149-10.25.11.100
        try        mend this line"
    `)
  })

  test('budget of an unknown component', () => {
    change('platform.yaml', '{component: harbor,', '{component: harbour,')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <- {component: harbour, cpuCores: 2, memoryGB: 8, lines: [340]}> clusters.apps.budgets[5].component
        expected   the id of a component, or linkerd-proxies
        found      harbour
        try        mend this line"
    `)
  })

  test('component of an unknown claim', () => {
    change('platform.yaml', 'claims: [OBS-08, WORK-01]', 'claims: [OBS-09, WORK-99]')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <claims: [OBS-09, WORK-99]> components[10].claims[1]
        expected   the id of a claim in claims.yaml
        found      WORK-99
        try        mend this line"
    `)
  })

  test('YAML syntax', () => {
    change(
      'platform.yaml',
      'nodeNetwork: {value: 10.25.11.0/24, lines: [33]}',
      'nodeNetwork: {value: 10.25.11.0/24, lines: [33}',
    )
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      platform.yaml <nodeNetwork: {value: 10.25.11.0/24, lines: [33}>
        expected   YAML
        found      Flow sequence in block collection must be sufficiently indented and end with a ]
        try        mend this line"
    `)
  })

  test('duplicate claim id', () => {
    change('claims.yaml', '- id: TOPO-03\n', '- id: TOPO-02\n')
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      claims.yaml <- id: TOPO-02> [2].id
        expected   a claim id of its own
        found      TOPO-02, a second time
        try        mend this line"
    `)
  })

  test('waiver of an unknown claim', () => {
    writeFileSync(
      join(folder, 'waivers.yaml'),
      `- claim: NET-99\n  justification: the pool moves\n  owner: Dana\n  until: '2026-01-31'\n`,
    )
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      waivers.yaml <- claim: NET-99> [0].claim
        expected   the id of a claim in claims.yaml
        found      NET-99
        try        mend this line"
    `)
  })

  test('waiver without an end', () => {
    writeFileSync(
      join(folder, 'waivers.yaml'),
      `- claim: NET-08\n  justification: the pool moves\n  owner: Dana\n  until: never\n`,
    )
    expect(refusal()).toMatchInlineSnapshot(`
      "SetupError: reading the documented platform failed
        where      waivers.yaml <until: never> [0].until
        expected   a day, such as 2026-01-31
        found      "never"
        try        mend this line"
    `)
  })
})

test('the names of the API are those of the figures', () => {
  const { figures, names } = loadPlatform()
  for (const cluster of ['infra', 'apps'] as const)
    expect(names.apiEndpoints[cluster].name).toBe(figures.clusters[cluster].endpoint.host)
})
