import { z } from 'zod'
import type { Observer } from '../observe.ts'
import { parseJSON } from '../json.ts'
import { nodes } from '../kinds/core.ts'
import type { MountedVolume } from '../kinds/storage-observations.ts'
import type { PersistentVolumeClaim } from '../kinds/storage.ts'
import { persistentVolumeClaims } from '../kinds/storage.ts'

const volume = z.object({
  capacityBytes: z.number().optional(),
  pvcRef: z.object({ name: z.string(), namespace: z.string() }).optional(),
})
const summary = z.object({ pods: z.array(z.object({ volume: z.array(volume).default([]) })).default([]) })

/** Asks every kubelet what the volumes are on that it has mounted. Nobody is asked where no claim is bound. */
export const observeMountedVolumes: Observer = async ({ here, deadline }) => {
  const bound = here.list(persistentVolumeClaims).filter(({ status }) => status.phase === 'Bound')
  if (bound.length === 0) return []
  const all = await Promise.all(
    here.list(nodes).map(async ({ metadata: { name } }) => {
      const { status, text } = await here.connection.get(`/api/v1/nodes/${name}/proxy/stats/summary`, deadline)
      if (status !== 200) throw new Error(`the kubelet of ${name} answered ${status}: ${text.slice(0, 200)}`)
      return volumesIn(parseJSON(text), name, bound)
    }),
  )
  return all.flat()
}

/** The claims in the statistics of a kubelet, each once: two pods may have mounted the same one. Throws when they are none. */
export function volumesIn(
  statistics: unknown,
  node: string,
  claims: readonly PersistentVolumeClaim[],
): MountedVolume[] {
  const parsed = summary.safeParse(statistics)
  if (!parsed.success) throw new Error(`the kubelet of ${node} gave no statistics: ${z.prettifyError(parsed.error)}`)
  const mounted = parsed.data.pods.flatMap((pod) => pod.volume)
  return claims.flatMap(({ metadata, spec }): MountedVolume[] => {
    const found = mounted.find(
      ({ pvcRef }) => pvcRef?.name === metadata.name && pvcRef.namespace === metadata.namespace,
    )
    // A volume that was mounted just now is not measured yet.
    return found?.capacityBytes === undefined
      ? []
      : [
          {
            kind: 'PersistentVolumeClaim',
            metadata,
            storageClassName: spec.storageClassName ?? '',
            node,
            capacityBytes: found.capacityBytes,
          },
        ]
  })
}
