import { describe, expect, test } from 'vitest'
import { loadPlatform } from '../platform/platform.ts'
import { readScenarios } from './read-scenarios.ts'
import type { Circumstances, RefusalRule, Target } from './refusals.ts'
import { alwaysProtected, refusalRules, refusalsOf } from './refusals.ts'
import type { Scenario } from './scenario.ts'
import { scenarioSchema } from './scenario.ts'

const echo = {
  id: 'echo-pod-loss',
  what: 'the only pod of echo is deleted',
  cluster: 'apps',
  tier: 1,
  fault: {
    driver: 'kubernetes',
    action: 'delete',
    atMost: 1,
    pods: { namespace: 'demo', labels: { app: 'echo' }, take: 1 },
  },
  journeys: [{ id: 'echo', by: 'service', from: 'apps', namespace: 'demo', service: 'echo', port: 8080 }],
  judge: [{ claim: 'DR-06', objective: 'podRecovery', by: 'outage', fact: 'a pod that is lost is replaced' }],
  faultSeconds: 0,
  longestSeconds: 90,
}
const scenario = (changes: object = {}): Scenario => scenarioSchema.parse({ ...echo, ...changes })

const pod: Target = {
  kind: 'Pod',
  cluster: 'apps',
  namespace: 'demo',
  name: 'echo-1',
  uid: 'pod-uid',
  owner: 'ReplicaSet echo',
}
const uids = { infra: 'infra-uid', apps: 'apps-uid' }
const circumstances = (changes: Partial<Circumstances> = {}): Circumstances => ({
  target: 'pair',
  isArmed: true,
  arming: undefined,
  now: new Date('2026-01-01T12:00:00Z'),
  uids,
  unwell: { infra: [], apps: [] },
  holders: {},
  stop: undefined,
  unfinished: [],
  protectedNamespaces: [],
  protectedNodes: [],
  targets: [pod],
  undo: [{ do: 'wait for owner', owner: 'ReplicaSet echo' }],
  controlPlane: { members: 3, majority: 2 },
  ...changes,
})
const node = (name: string): Target => ({ kind: 'Node', cluster: 'apps', name, uid: name, isControlPlane: true })
const powerOff = (nodes: string[], more: object = {}) =>
  scenario({ fault: { driver: 'node-power', action: 'off', atMost: 2, nodes, ...more } })
const on = (nodes: string[]) => ({
  targets: nodes.map(node),
  undo: nodes.map((name) => ({ do: 'power on' as const, cluster: 'apps' as const, node: name })),
})
const armed = { clusters: uids, until: new Date('2026-01-01T14:00:00Z') }

const everyRefusal: Record<RefusalRule, [Scenario, Circumstances, string]> = {
  unarmed: [scenario(), circumstances({ isArmed: false }), 'only a plan was asked for'],
  'not the armed cluster': [
    scenario(),
    circumstances({ target: 'live', arming: { ...armed, clusters: { ...uids, apps: 'another' } } }),
    'apps is apps-uid, armed is another',
  ],
  'arming is over': [
    scenario(),
    circumstances({ target: 'live', arming: { ...armed, until: new Date('2026-01-01T11:00:00Z') } }),
    'chaos.yaml armed these clusters until 2026-01-01T11:00:00.000Z',
  ],
  stopped: [scenario(), circumstances({ stop: 'the file chaos.stop is there' }), 'the file chaos.stop is there'],
  'unfinished experiment': [scenario(), circumstances({ unfinished: ['e-1'] }), 'e-1 was begun and never ended'],
  'second experiment': [scenario(), circumstances({ holders: { apps: 'host/7' } }), 'host/7 has an experiment on apps'],
  'empty selection': [scenario(), circumstances({ targets: [], undo: [] }), '0 of 1 targets are there'],
  'wildcard selection': [
    {
      ...scenario(),
      fault: { ...scenario().fault, pods: { namespace: '*', labels: { app: 'echo' }, take: 1 } } as never,
    },
    circumstances(),
    '{"namespace":"*","labels":{"app":"echo"},"take":1}',
  ],
  'protected selection': [
    scenario(),
    circumstances({ targets: [{ ...pod, namespace: 'kube-system' }] }),
    'Pod kube-system/echo-1: a protected namespace',
  ],
  'more than the cap': [
    scenario(),
    circumstances({ targets: [pod, { ...pod, name: 'echo-2' }], undo: Array(2).fill(circumstances().undo[0]) }),
    '2 targets, at most 1',
  ],
  'majority of the control plane': [
    powerOff(['apps-02', 'apps-03']),
    circumstances(on(['apps-02', 'apps-03'])),
    '1 of 3 members would be left, 2 are needed',
  ],
  'missing undo': [scenario(), circumstances({ undo: [undefined] }), 'nothing brings Pod demo/echo-1 back'],
  'unhealthy cluster': [
    scenario(),
    circumstances({ unwell: { infra: [], apps: ['node apps-02 is not Ready', 'pod x is not Ready'] } }),
    'apps: node apps-02 is not Ready and 1 more',
  ],
}

describe('a scenario is refused', () => {
  test.each(refusalRules)('%s', (rule) => {
    const [refused, seen, found] = everyRefusal[rule]
    const refusals = refusalsOf(refused, seen)
    expect(refusals.map((refusal) => [refusal.rule, refusal.found])).toEqual([[rule, found]])
    expect(refusals[0]?.try).toMatch(/^\w.{20,}/)
  })

  test('not when nothing speaks against it, on the pair and on live clusters that are armed', () => {
    expect(refusalsOf(scenario(), circumstances())).toEqual([])
    expect(refusalsOf(scenario(), circumstances({ target: 'live', arming: armed }))).toEqual([])
    expect(refusalsOf(powerOff(['apps-03']), circumstances(on(['apps-03'])))).toEqual([])
  })

  test('always on a target that is not the pair and not armed, whatever else is true of it', () => {
    for (const isArmed of [true, false]) {
      for (const arming of [undefined, { ...armed, until: new Date(0) }]) {
        const rules = refusalsOf(scenario(), circumstances({ target: 'live', isArmed, arming })).map(({ rule }) => rule)
        expect(rules.some((rule) => rule === 'unarmed' || rule === 'arming is over')).toBe(true)
      }
    }
  })

  test('when the UID of the cluster cannot be read, on the pair too', () => {
    const seen = circumstances({ uids: { infra: 'infra-uid', apps: undefined } })
    expect(refusalsOf(scenario(), seen).map(({ rule }) => rule)).toEqual(['not the armed cluster'])
  })

  test.each(alwaysProtected)('for a pod of %s', (namespace) => {
    const rules = refusalsOf(scenario(), circumstances({ targets: [{ ...pod, namespace }] })).map(({ rule }) => rule)
    expect(rules).toEqual(['protected selection'])
  })

  test('for what chaos.yaml protects, and for pods in the network of their node', () => {
    const protectedByUser = [
      circumstances({ protectedNamespaces: ['demo'] }),
      circumstances({ targets: [{ ...pod, hostNetwork: true }] }),
    ]
    for (const seen of protectedByUser)
      expect(refusalsOf(scenario(), seen).map(({ rule }) => rule)).toEqual(['protected selection'])
    const nodeSeen = circumstances({ ...on(['apps-03']), protectedNodes: ['apps-03'] })
    expect(refusalsOf(powerOff(['apps-03']), nodeSeen).map(({ rule }) => rule)).toEqual(['protected selection'])
  })

  test('for a majority also where the scenario breaks the quorum on purpose, unless the target is the pair', () => {
    const breaking = powerOff(['apps-02', 'apps-03'], { breaksQuorum: true })
    const seen = circumstances(on(['apps-02', 'apps-03']))
    expect(refusalsOf(breaking, seen)).toEqual([])
    expect(refusalsOf(breaking, { ...seen, target: 'live', arming: armed }).map(({ rule }) => rule)).toEqual([
      'majority of the control plane',
    ])
  })

  test('for the loss of a whole live cluster, armed or not, unless chaos.yaml names it', () => {
    const lost = readScenarios(loadPlatform().claims).find(({ id }) => id === 'cluster-rebuild')
    if (!lost || lost.fault.driver !== 'cluster') throw new Error('no scenario loses a cluster')
    const { fault } = lost
    const names = ['infra-01', 'infra-02', 'infra-03']
    const seen = circumstances({
      targets: names.map((name) => ({ ...node(name), cluster: 'infra' as const })),
      undo: names.map(() => ({ do: 'rebuild cluster' as const, cluster: 'infra' as const, fault })),
    })
    const rulesOn = (changes: Partial<Circumstances>) =>
      refusalsOf(lost, { ...seen, ...changes }).map(({ rule }) => rule)
    expect(rulesOn({})).toEqual([])
    expect(rulesOn({ target: 'live', arming: armed })).toEqual(['majority of the control plane'])
    expect(rulesOn({ target: 'live', arming: { ...armed, mayLose: 'apps' } })).toEqual([
      'majority of the control plane',
    ])
    expect(rulesOn({ target: 'live', arming: { ...armed, mayLose: 'infra' } })).toEqual([])
    expect(rulesOn({ target: 'live' })).toEqual(['unarmed', 'majority of the control plane'])
  })

  test('across both clusters when either of them speaks against it', () => {
    const link = scenario({ cluster: 'across', fault: { driver: 'link', action: 'cut', atMost: 1 } })
    const target: Target = { kind: 'Link', cluster: 'across', name: 'infra-apps', uid: 'link' }
    const seen = circumstances({ targets: [target], undo: [{ do: 'join link' }], holders: { infra: 'host/7' } })
    expect(refusalsOf(link, seen).map(({ rule }) => rule)).toEqual(['second experiment'])
  })
})

describe('the schema of a scenario', () => {
  const faults = (changes: object) => {
    const parsed = scenarioSchema.safeParse({ ...echo, ...changes })
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  }
  const withPods = (pods: object, more: object = {}) => ({ fault: { ...echo.fault, pods, ...more } })

  test.each([
    ['no label', withPods({ namespace: 'demo', labels: {}, take: 1 }), 'at least one label'],
    ['a wildcard as namespace', withPods({ namespace: '*', labels: { app: 'echo' }, take: 1 }), 'no wildcard'],
    ['an empty namespace', withPods({ namespace: '', labels: { app: 'echo' }, take: 1 }), 'no wildcard'],
    ['a wildcard as label', withPods({ namespace: 'demo', labels: { app: '*' }, take: 1 }), 'without a wildcard'],
    ['no pods', withPods({ namespace: 'demo', labels: { app: 'echo' }, take: 0 }), '1 or more'],
    ['a cap of many', { fault: { ...echo.fault, atMost: 4 } }, 'at most 3'],
    ['a forced deletion', { fault: { ...echo.fault, gracePeriodSeconds: 0 } }, 'a forced deletion'],
    ['no journey', { journeys: [] }, 'at least one journey'],
    ['a fault that outlasts its watching', { faultSeconds: 90 }, 'more seconds than the fault lasts'],
    ['an unknown key', { sure: true }, 'Unrecognized key'],
  ])('refuses %s', (_, changes, said) => {
    expect(faults(changes).join('\n')).toContain(said)
  })
})
