import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Connection } from '../../cluster/connection.ts'
import type { IOChaosSpec, NetworkChaosSpec, PodChaosSpec, StressChaosSpec } from '../chaos-mesh/types.generated.ts'
import type { ClusterName } from '../../platform/platform.ts'
import { change, readObject } from '../cluster-reads.ts'
import { experimentLabel, managedBy } from '../names.ts'
import type { Target } from '../refusals.ts'
import type { Fault, Scenario } from '../scenario.ts'
import type { Driver } from './driver.ts'
import { findPods } from './kubernetes.ts'

export type ChaosMeshFault = Extract<Fault, { driver: 'chaos-mesh' }>

export const chaosMeshGroup = 'chaos-mesh.org'
export const chaosMeshVersion = 'v1alpha1'

/** `duration` counts from the creation of the object, not from the injection. */
const creationSkewSeconds = 3

type Kind = { kind: string; plural: string }
const kinds: Record<ChaosMeshFault['action'], Kind> = {
  'pod-kill': { kind: 'PodChaos', plural: 'podchaos' },
  'pod-failure': { kind: 'PodChaos', plural: 'podchaos' },
  partition: { kind: 'NetworkChaos', plural: 'networkchaos' },
  delay: { kind: 'NetworkChaos', plural: 'networkchaos' },
  'cpu-stress': { kind: 'StressChaos', plural: 'stresschaos' },
  'io-latency': { kind: 'IOChaos', plural: 'iochaos' },
}

/** The plurals that the sweep looks through. */
export const chaosMeshPlurals = [...new Set(Object.values(kinds).map(({ plural }) => plural))]

const clusterOf = ({ cluster, id }: Scenario): ClusterName => {
  if (cluster === 'across') throw new Error(`${id}: one Chaos Mesh acts on one cluster`)
  return cluster
}

/** Objects of Chaos Mesh. Its controller does the rest, also the recovery, when this process is dead. */
export const chaosMeshDriver: Driver<ChaosMeshFault> = {
  find: async ({ fault, scenario, field, deadline }) => {
    const cluster = clusterOf(scenario)
    return findPods(field.connections[cluster], cluster, fault.pods, deadline)
  },
  undo: async ({ fault, scenario, targets, id }) => {
    const cluster = clusterOf(scenario)
    const { plural } = kinds[fault.action]
    return targets.map((target) =>
      target.owner === undefined
        ? undefined
        : { do: 'delete chaos' as const, cluster, plural, namespace: fault.pods.namespace, name: id },
    )
  },
  make: async ({ id, fault, scenario, field, targets, deadline }) => {
    const object = chaosObject(id, fault, scenario.faultSeconds, targets)
    const { plural } = kinds[fault.action]
    const path = `/apis/${chaosMeshGroup}/${chaosMeshVersion}/namespaces/${fault.pods.namespace}/${plural}`
    const connection = field.connections[clusterOf(scenario)]
    await change(connection, { method: 'POST', path, body: object }, deadline)
    await injected(connection, `${path}/${id}`, targets.length, deadline)
  },
}

const chaosStatus = z.object({
  status: z
    .object({
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      experiment: z
        .object({
          containerRecords: z
            .array(
              z.object({
                events: z
                  .array(z.object({ type: z.string(), operation: z.string(), message: z.string().default('') }))
                  .default([]),
              }),
            )
            .default([]),
        })
        .default({ containerRecords: [] }),
    })
    .default({ conditions: [], experiment: { containerRecords: [] } }),
})

const pauseMs = 300

/**
 * Waits until the controller says that it acts on all of the targets. That it says so proves no effect, which is for the
 * probers to see; that it does not is no experiment.
 */
async function injected(connection: Connection, path: string, targets: number, deadline: Deadline): Promise<void> {
  let last = 'its controller said nothing'
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it has acted
    const { conditions, experiment } = (await readObject(connection, path, chaosStatus, deadline))?.status ?? {
      conditions: [],
      experiment: { containerRecords: [] },
    }
    const is = (type: string, status: string) => conditions.some((one) => one.type === type && one.status === status)
    if (is('Selected', 'False'))
      throw new Error('Chaos Mesh selected no pod: see its filter of namespaces, and the events of the object')
    const { containerRecords: records } = experiment
    if (records.length > targets) throw new Error(`Chaos Mesh acts on ${records.length} pods instead of ${targets}`)
    if (is('AllInjected', 'True')) return
    last = records.flatMap(({ events }) => events).findLast(({ type }) => type === 'Failed')?.message ?? last
    if (deadline.signal.aborted) throw new Error(`Chaos Mesh did not act in time: ${last}`)
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal }).catch(() => {})
  }
}

/** The specs that are made here, in the types that were generated from the definitions of Chaos Mesh. */
type Spec = PodChaosSpec | NetworkChaosSpec | StressChaosSpec | IOChaosSpec
type Selection = Pick<PodChaosSpec, 'selector' | 'mode' | 'value'>

/**
 * The object of an experiment. Its selector names every pod and its namespace: an empty list of namespaces selects the
 * whole cluster where the admission webhook does not answer.
 */
export function chaosObject(id: string, fault: ChaosMeshFault, faultSeconds: number, targets: readonly Target[]) {
  const { namespace } = fault.pods
  const { kind } = kinds[fault.action]
  const selection: Selection = {
    selector: { namespaces: [namespace], pods: { [namespace]: targets.map(({ name }) => name) } },
    mode: 'fixed',
    // A text, as Chaos Mesh wants it.
    value: String(targets.length),
  }
  return {
    apiVersion: `${chaosMeshGroup}/${chaosMeshVersion}`,
    kind,
    metadata: { name: id, namespace, labels: { ...managedBy, [experimentLabel]: id } },
    spec: specOf(fault, selection, `${faultSeconds + creationSkewSeconds}s`),
  }
}

function specOf({ action, settings }: ChaosMeshFault, selection: Selection, duration: string): Spec {
  switch (action) {
    case 'pod-kill':
      // Its own default of 0 is a forced deletion.
      return { ...selection, action, gracePeriod: 1 } satisfies PodChaosSpec
    case 'pod-failure':
      return { ...selection, action, duration } satisfies PodChaosSpec
    case 'partition':
      return { ...selection, action, direction: 'both', duration } satisfies NetworkChaosSpec
    case 'delay': {
      const delay = { latency: settings['latency'] ?? '300ms', jitter: '0ms' }
      return { ...selection, action, direction: 'to', duration, delay } satisfies NetworkChaosSpec
    }
    case 'cpu-stress': {
      const stressors = { cpu: { workers: 1, load: Number(settings['load'] ?? '80') } }
      return { ...selection, duration, stressors } satisfies StressChaosSpec
    }
    case 'io-latency': {
      const { volumePath = '/data', delay = '200ms' } = settings
      return { ...selection, action: 'latency', duration, volumePath, delay, percent: 100 } satisfies IOChaosSpec
    }
  }
}
