import { z } from 'zod'
import { kind } from './object.ts'

const strings = z.record(z.string(), z.string()).default({})

export const storageClasses = kind(
  { group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass' },
  { provisioner: z.string(), parameters: strings, volumeBindingMode: z.string().default('Immediate') },
)
export type StorageClass = z.infer<typeof storageClasses.schema>

export const persistentVolumeClaims = kind(
  { group: '', version: 'v1', plural: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' },
  {
    spec: z.object({ storageClassName: z.string().optional(), volumeName: z.string().optional() }),
    status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
  },
)
export type PersistentVolumeClaim = z.infer<typeof persistentVolumeClaims.schema>

const nodeSelectorTerm = z.object({
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).default([]) }))
    .default([]),
})

export const persistentVolumes = kind(
  { group: '', version: 'v1', plural: 'persistentvolumes', kind: 'PersistentVolume' },
  {
    spec: z.object({
      storageClassName: z.string().optional(),
      claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
      csi: z.object({ driver: z.string(), volumeAttributes: strings }).optional(),
      local: z.object({ path: z.string() }).optional(),
      nodeAffinity: z
        .object({ required: z.object({ nodeSelectorTerms: z.array(nodeSelectorTerm).default([]) }).optional() })
        .optional(),
    }),
  },
)
export type PersistentVolume = z.infer<typeof persistentVolumes.schema>

const rook = { group: 'ceph.rook.io', version: 'v1' }
const phase = z.object({ phase: z.string().optional() }).default({})

export const cephClusters = kind(
  { ...rook, plural: 'cephclusters', kind: 'CephCluster' },
  {
    spec: z.object({
      storage: z.object({ config: strings }).default({ config: {} }),
    }),
    status: z
      .object({
        phase: z.string().optional(),
        ceph: z
          .object({
            health: z.string().optional(),
            /** When Rook last asked Ceph; what it says is as old as this. */
            lastChecked: z.string().optional(),
            details: z.record(z.string(), z.object({ severity: z.string(), message: z.string() })).default({}),
            /** Raw bytes. */
            capacity: z.object({ bytesTotal: z.number().default(0), lastUpdated: z.string().optional() }).optional(),
          })
          .optional(),
      })
      .default({}),
  },
)
export type CephCluster = z.infer<typeof cephClusters.schema>

/** Copies of what a pool holds; one that is erasure-coded has none. */
const pool = z.object({
  failureDomain: z.string().optional(),
  replicated: z.object({ size: z.number() }).optional(),
})
export type CephPool = z.infer<typeof pool>

export const cephBlockPools = kind(
  { ...rook, plural: 'cephblockpools', kind: 'CephBlockPool' },
  { spec: pool, status: phase },
)
export type CephBlockPool = z.infer<typeof cephBlockPools.schema>

export const cephFilesystems = kind(
  { ...rook, plural: 'cephfilesystems', kind: 'CephFilesystem' },
  { spec: z.object({ metadataPool: pool.optional(), dataPools: z.array(pool).default([]) }), status: phase },
)

export const cephObjectStores = kind(
  { ...rook, plural: 'cephobjectstores', kind: 'CephObjectStore' },
  { spec: z.object({ metadataPool: pool.optional(), dataPool: pool.optional() }), status: phase },
)
