import type { ClusterName } from '../platform/platform.ts'
import type { Scenario } from './scenario.ts'
import { clustersOf } from './scenario.ts'
import type { Undo } from './undo.ts'

/** One thing that a fault is going to touch, as it was found. */
export type Target = {
  kind: 'Pod' | 'Node' | 'Deployment' | 'StatefulSet' | 'Volume' | 'Namespace' | 'Link'
  cluster: ClusterName | 'across'
  namespace?: string
  name: string
  uid: string
  /** `ReplicaSet echo-7d9f`; undefined when nobody would bring it back. */
  owner?: string
  hostNetwork?: boolean
  isControlPlane?: boolean
}

/** What was found out before a fault may be made. */
export type Circumstances = {
  target: 'pair' | 'live'
  /** `--arm`. Without it nothing is ever changed. */
  isArmed: boolean
  /** From chaos.yaml, on live clusters: who may be broken, and until when. */
  arming:
    | {
        clusters: Partial<Record<ClusterName, string>>
        until: Date
        /** The one that may be lost as a whole. */
        mayLose?: ClusterName
      }
    | undefined
  now: Date
  /** UID of kube-system; undefined when it may not be read. */
  uids: Record<ClusterName, string | undefined>
  /** What is not well on each cluster, `node apps-02 is not Ready`. */
  unwell: Record<ClusterName, readonly string[]>
  /** Who holds the Lease of chaos on each cluster. */
  holders: Partial<Record<ClusterName, string>>
  /** Why everything is stopped: the stop file, or the ConfigMap. */
  stop: string | undefined
  /** Experiments on record that were begun and never ended. */
  unfinished: readonly string[]
  /** Namespaces that are never touched, beside our own list. */
  protectedNamespaces: readonly string[]
  protectedNodes: readonly string[]
  targets: readonly Target[]
  undo: readonly (Undo | undefined)[]
  controlPlane: { members: number; majority: number }
}

export const refusalRules = [
  'unarmed',
  'not the armed cluster',
  'arming is over',
  'stopped',
  'unfinished experiment',
  'second experiment',
  'empty selection',
  'wildcard selection',
  'protected selection',
  'more than the cap',
  'majority of the control plane',
  'missing undo',
  'unhealthy cluster',
] as const
export type RefusalRule = (typeof refusalRules)[number]

/** Why a scenario may not act, and what to do about it. */
export type Refusal = { rule: RefusalRule; found: string; try: string }

/** Namespaces without which a cluster cannot heal, or nobody can see that it does not. */
export const alwaysProtected = [
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'flux-system',
  'rook-ceph',
  'monitoring',
  'chaos-mesh',
  'conformance-chaos',
  'conformance-probes',
] as const

/** Everything that speaks against making the fault now. Empty: it may be made. Being unarmed comes first. */
export function refusalsOf(scenario: Scenario, seen: Circumstances): Refusal[] {
  return [
    ...unarmed(seen),
    ...otherCluster(scenario, seen),
    ...stopped(seen),
    ...heldBack(scenario, seen),
    ...selection(scenario, seen),
    ...majority(scenario, seen),
    ...withoutUndo(seen),
    ...unhealthy(scenario, seen),
  ]
}

function unarmed({ target, isArmed, arming, now }: Circumstances): Refusal[] {
  if (!isArmed)
    return [{ rule: 'unarmed', found: 'only a plan was asked for', try: 'add --arm when the plan is what you want' }]
  if (target === 'pair') return []
  if (!arming)
    return [
      {
        rule: 'unarmed',
        found: 'chaos.yaml arms no live cluster',
        try: 'name the UIDs of both clusters and an end of at most 8 hours in chaos.yaml, see docs/chaos.md',
      },
    ]
  if (arming.until.getTime() <= now.getTime())
    return [
      {
        rule: 'arming is over',
        found: `chaos.yaml armed these clusters until ${arming.until.toISOString()}`,
        try: 'set a new end in chaos.yaml, with the eyes of a second person',
      },
    ]
  return []
}

function otherCluster(scenario: Scenario, { target, uids, arming }: Circumstances): Refusal[] {
  return clustersOf(scenario).flatMap((cluster): Refusal[] => {
    const uid = uids[cluster]
    if (uid === undefined)
      return [
        {
          rule: 'not the armed cluster',
          found: `the UID of kube-system on ${cluster} cannot be read`,
          try: `allow to get the namespace kube-system on ${cluster}: without it nobody knows which cluster this is`,
        },
      ]
    if (target === 'pair' || arming === undefined || arming.clusters[cluster] === uid) return []
    return [
      {
        rule: 'not the armed cluster',
        found: `${cluster} is ${uid}, armed is ${arming.clusters[cluster] ?? 'none'}`,
        try: 'correct the context, or arm this cluster by its UID in chaos.yaml',
      },
    ]
  })
}

function stopped({ stop, unfinished }: Circumstances): Refusal[] {
  const [open] = unfinished
  return [
    ...(stop === undefined
      ? []
      : [{ rule: 'stopped' as const, found: stop, try: 'find out why, then pnpm chaos:sweep --clear-stop' }]),
    ...(open === undefined
      ? []
      : [
          {
            rule: 'unfinished experiment' as const,
            found: `${open} was begun and never ended`,
            try: 'pnpm chaos:sweep takes it back and says what is left',
          },
        ]),
  ]
}

function heldBack(scenario: Scenario, { holders }: Circumstances): Refusal[] {
  return clustersOf(scenario).flatMap((cluster) =>
    holders[cluster] === undefined
      ? []
      : [
          {
            rule: 'second experiment' as const,
            found: `${holders[cluster]} has an experiment on ${cluster}`,
            try: 'wait until it has ended; pnpm chaos:sweep when it never will',
          },
        ],
  )
}

function selection(scenario: Scenario, seen: Circumstances): Refusal[] {
  const { fault } = scenario
  const { targets } = seen
  const wanted = wantedCount(scenario)
  const refusals: Refusal[] = []
  if (selectsByWildcard(fault))
    refusals.push({
      rule: 'wildcard selection',
      found: JSON.stringify('pods' in fault ? fault.pods : fault),
      try: 'write one namespace and the labels out',
    })
  if (targets.length < wanted)
    refusals.push({
      rule: 'empty selection',
      found: `${targets.length} of ${wanted} targets are there`,
      try: 'see with kubectl what the scenario means to select; nothing is broken for nothing',
    })
  if (targets.length > fault.atMost)
    refusals.push({
      rule: 'more than the cap',
      found: `${targets.length} targets, at most ${fault.atMost}`,
      try: 'narrow the selection down; the cap is part of the scenario',
    })
  for (const target of targets) {
    const why = whyProtected(target, seen)
    if (why !== undefined)
      refusals.push({
        rule: 'protected selection',
        found: `${target.kind} ${target.namespace ? `${target.namespace}/` : ''}${target.name}: ${why}`,
        try: 'choose another target; protected ones are what recovery itself needs',
      })
  }
  return refusals
}

function wantedCount({ fault }: Scenario): number {
  if ('pods' in fault) return fault.pods.take
  if ('nodes' in fault) return fault.nodes.length
  return 1
}

/** The schema refuses these already; scenarios that were made in code come through here alone. */
const selectsByWildcard = (fault: Scenario['fault']): boolean =>
  'pods' in fault &&
  (Object.keys(fault.pods.labels).length === 0 ||
    [fault.pods.namespace, ...Object.entries(fault.pods.labels).flat()].some(
      (text) => text === '' || /[*?]/.test(text),
    ))

function whyProtected(target: Target, { protectedNamespaces, protectedNodes }: Circumstances): string | undefined {
  if (target.kind === 'Node')
    return protectedNodes.includes(target.name) ? 'a node that chaos.yaml protects' : undefined
  const { namespace } = target
  if (namespace !== undefined && alwaysProtected.some((name) => name === namespace)) return 'a protected namespace'
  if (namespace !== undefined && protectedNamespaces.includes(namespace)) return 'a namespace that chaos.yaml protects'
  return target.hostNetwork ? 'it uses the network of its node' : undefined
}

function majority(scenario: Scenario, { target, targets, controlPlane, arming }: Circumstances): Refusal[] {
  const { fault, cluster } = scenario
  if (fault.driver === 'cluster' && target === 'live' && arming?.mayLose !== cluster)
    return [
      {
        rule: 'majority of the control plane',
        found: `the whole of ${cluster} would be lost, and chaos.yaml does not say that it may be`,
        try: `say mayLose: ${cluster} below arm in chaos.yaml, when losing it is what the drill is for`,
      },
    ]
  if (fault.driver !== 'node-power') return []
  const lost = targets.filter(({ isControlPlane }) => isControlPlane).length
  const left = controlPlane.members - lost
  if (left >= controlPlane.majority || (fault.breaksQuorum && target === 'pair')) return []
  return [
    {
      rule: 'majority of the control plane',
      found: `${left} of ${controlPlane.members} members would be left, ${controlPlane.majority} are needed`,
      try:
        target === 'live'
          ? 'a quorum is only ever broken on the pair'
          : 'say breaksQuorum: true in the scenario if that is what it is for',
    },
  ]
}

function withoutUndo({ undo, targets }: Circumstances): Refusal[] {
  const missing = targets.filter((_, index) => undo[index] === undefined)
  return missing.map(({ kind, namespace, name }) => ({
    rule: 'missing undo' as const,
    found: `nothing brings ${kind} ${namespace ? `${namespace}/` : ''}${name} back`,
    try: kind === 'Pod' ? 'choose a pod that a controller owns' : 'give the driver a way to take it back first',
  }))
}

function unhealthy(scenario: Scenario, { unwell }: Circumstances): Refusal[] {
  return clustersOf(scenario).flatMap((cluster) => {
    const [first, ...others] = unwell[cluster]
    if (first === undefined) return []
    return [
      {
        rule: 'unhealthy cluster' as const,
        found: `${cluster}: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`,
        try: 'mend it first: what is broken already says nothing about recovery',
      },
    ]
  })
}
