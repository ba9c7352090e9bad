import { z } from 'zod'
import { nodes, pods } from './core.ts'
import { metadata } from './object.ts'
import { observation } from './observations.ts'
import { persistentVolumeClaims } from './storage.ts'

/** A claim that a pod has mounted, and the filesystem that it is on, as the kubelet of the node measured it. */
export const mountedVolumes = observation(
  'mounted-volumes',
  'mounted volumes',
  z.object({
    kind: z.literal('PersistentVolumeClaim'),
    metadata,
    storageClassName: z.string(),
    node: z.string(),
    /** Size of the whole filesystem; several volumes of a local class share one. */
    capacityBytes: z.number(),
  }),
  { method: 'api', needsProbes: false, needs: [nodes, persistentVolumeClaims] },
)
export type MountedVolume = z.infer<typeof mountedVolumes.schema>

const storageDaemon = z.object({
  what: z.literal('storage daemon'),
  metadata,
  host: z.string(),
  up: z.boolean(),
  /** Whether Ceph puts data on it. */
  in: z.boolean(),
})
export type StorageDaemon = z.infer<typeof storageDaemon>

const pool = z.object({
  what: z.literal('pool'),
  metadata,
  /** Copies that are kept, and that have to be there for a write to succeed. */
  size: z.number(),
  minSize: z.number(),
  /** What it holds and what it could take in addition, both before replication; absent where Ceph does not count the pool. */
  storedBytes: z.number().optional(),
  availableBytes: z.number().optional(),
})

/** What Ceph itself says of its daemons and pools, asked in the toolbox, or in the operator where there is none. */
export const ceph = observation('ceph', "Ceph's own view", z.discriminatedUnion('what', [storageDaemon, pool]), {
  method: 'exec',
  needsProbes: false,
  needs: [pods],
})
export type CephItem = z.infer<typeof ceph.schema>
