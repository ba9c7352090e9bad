import { z } from 'zod'
import { clusterName } from '../platform/shapes.ts'
import { storeSchema } from './restore/store.ts'
import { clusterFault } from './scenario.ts'

/** How a fault is taken back. It is written down before the fault is made, and can be done twice. */
export const undoSchema = z.discriminatedUnion('do', [
  /** Nothing to take back: whoever owns the pod makes a new one. */
  z.strictObject({ do: z.literal('wait for owner'), owner: z.string() }),
  z.strictObject({ do: z.literal('uncordon'), cluster: clusterName, node: z.string() }),
  z.strictObject({ do: z.literal('untaint'), cluster: clusterName, node: z.string(), key: z.string() }),
  z.strictObject({
    do: z.literal('scale'),
    cluster: clusterName,
    kind: z.enum(['Deployment', 'StatefulSet']),
    namespace: z.string(),
    name: z.string(),
    replicas: z.number(),
  }),
  z.strictObject({ do: z.literal('power on'), cluster: clusterName, node: z.string() }),
  z.strictObject({ do: z.literal('join link') }),
  z.strictObject({ do: z.literal('rebuild cluster'), cluster: clusterName, fault: clusterFault }),
  z.strictObject({
    do: z.literal('delete chaos'),
    cluster: clusterName,
    plural: z.string(),
    namespace: z.string(),
    name: z.string(),
  }),
  z.strictObject({ do: z.literal('delete bucket'), cluster: clusterName, bucket: z.string(), store: storeSchema }),
  z.strictObject({ do: z.literal('delete workloads'), cluster: clusterName, namespace: z.string() }),
])
export type Undo = z.infer<typeof undoSchema>

const usualMs = 180_000
const rebuildMs = 1_200_000

/** How long taking these back may take. */
export const undoMs = (undos: readonly Undo[]): number =>
  undos.some(({ do: what }) => what === 'rebuild cluster') ? rebuildMs : usualMs

/** What an undo is about, for a person: `power on infra-03`. */
export function undoText(undo: Undo): string {
  switch (undo.do) {
    case 'wait for owner':
      return `${undo.owner} makes a new pod`
    case 'uncordon':
      return `uncordon ${undo.node}`
    case 'untaint':
      return `take taint ${undo.key} off ${undo.node}`
    case 'scale':
      return `scale ${undo.kind} ${undo.namespace}/${undo.name} to ${undo.replicas}`
    case 'power on':
      return `power on ${undo.node}`
    case 'rebuild cluster':
      return `rebuild ${undo.cluster} from what is kept outside of it`
    case 'join link':
      return 'join the link between the clusters again'
    case 'delete chaos':
      return `delete ${undo.plural} ${undo.namespace}/${undo.name}`
    case 'delete bucket':
      return `delete bucket ${undo.bucket} of ${undo.store.namespace}/${undo.store.service} on ${undo.cluster}`
    case 'delete workloads':
      return `delete namespace ${undo.namespace} on ${undo.cluster}`
  }
}
