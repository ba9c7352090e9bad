import type { Fault } from '../scenario.ts'
import type { Driver } from './driver.ts'
import { findNodes } from './kubernetes.ts'

type PowerFault = Extract<Fault, { driver: 'node-power' }>
type LinkFault = Extract<Fault, { driver: 'link' }>

/** The power of whole nodes. The driver of the field does it; this one says which nodes, and how they come back. */
export const nodePowerDriver: Driver<PowerFault> = {
  find: async ({ fault, scenario, field, deadline }) =>
    scenario.cluster === 'across'
      ? []
      : findNodes(field.connections[scenario.cluster], scenario.cluster, fault.nodes, deadline),
  undo: async ({ field, targets }) =>
    targets.map(({ cluster, name }) =>
      field.power === undefined || cluster === 'across' ? undefined : { do: 'power on', cluster, node: name },
    ),
  make: async ({ field, targets, scenario }) => {
    const { power } = field
    if (!power) throw new Error('nobody here can cut the power of a node')
    await Promise.all(targets.map(({ name }) => power.off(name, scenario.longestSeconds)))
  },
}

/** The link between the clusters. */
export const linkDriver: Driver<LinkFault> = {
  find: async ({ field }) =>
    field.link === undefined
      ? []
      : [{ kind: 'Link', cluster: 'across', name: 'between infra and apps', uid: 'the link of this pair' }],
  undo: async ({ targets }) => targets.map(() => ({ do: 'join link' })),
  make: async ({ field, scenario }) => {
    if (!field.link) throw new Error('nobody here can cut the link between the clusters')
    await field.link.cut(scenario.faultSeconds)
  },
}
