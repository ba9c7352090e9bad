import type { Restored } from '../restore/restored.ts'
import type { Restoring } from '../restore/database.ts'
import { restoreDatabase } from '../restore/database.ts'
import { restoreNamespace } from '../restore/namespace.ts'
import { bucket } from '../restore/store-repository.ts'
import { restoreVolume } from '../restore/volume.ts'
import { workloadNamespace } from '../names.ts'
import type { Fault } from '../scenario.ts'
import type { Driver } from './driver.ts'
import { findPods } from './kubernetes.ts'

type RestoreFault = Extract<Fault, { driver: 'restore' }>

/** Backs something up while it is written to, into the object store, and restores it. What is destroyed on the way is the suite's own. */
export const restoreDriver: Driver<RestoreFault> = {
  bringsPods: true,
  makeMs: ({ longestSeconds }) => longestSeconds * 1_000,
  find: async ({ fault, scenario: { cluster }, field, deadline }) => {
    if (cluster === 'across') throw new Error('a restore happens on one cluster')
    if (fault.action === 'database') return findPods(field.connections[cluster], cluster, fault.pods, deadline)
    // It does not exist yet: the scenario brings it.
    const uid = 'made for this experiment'
    return fault.action === 'volume'
      ? [{ kind: 'Volume', cluster, namespace: workloadNamespace, name: fault.own, uid }]
      : [{ kind: 'Namespace', cluster, name: workloadNamespace, uid }]
  },
  undo: async ({ fault, scenario, field, targets }) =>
    targets.map(() =>
      field.restore === undefined || scenario.cluster === 'across'
        ? undefined
        : { do: 'delete bucket', cluster: scenario.cluster, bucket, store: fault.store },
    ),
  make: async (making) => {
    const { scenario, field } = making
    if (scenario.cluster === 'across' || !field.restore || !field.placeOn || !field.placeInMesh)
      throw new Error('nobody here reaches the files of a volume and the object store')
    return { restored: await restore({ ...making, cluster: scenario.cluster, tools: field.restore }) }
  },
}

function restore({ fault, ...rest }: Restoring): Promise<Restored> {
  switch (fault.action) {
    case 'database':
      return restoreDatabase({ ...rest, fault })
    case 'volume':
      return restoreVolume({ ...rest, fault })
    case 'namespace':
      return restoreNamespace({ ...rest, fault })
  }
}
