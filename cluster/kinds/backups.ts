import { z } from 'zod'
import { conditioned, kind } from './object.ts'

/** A kind of copying; which one is set says how VolSync moves the data. */
const mover = z.record(z.string(), z.unknown()).optional()

export const replicationSources = kind(
  { group: 'volsync.backube', version: 'v1alpha1', plural: 'replicationsources', kind: 'ReplicationSource' },
  {
    spec: z.object({
      sourcePVC: z.string().optional(),
      paused: z.boolean().default(false),
      trigger: z.object({ schedule: z.string().optional(), manual: z.string().optional() }).default({}),
      restic: mover,
      rclone: mover,
      rsync: mover,
      rsyncTLS: mover,
      syncthing: mover,
    }),
    status: conditioned
      .extend({
        /** When the last copy that succeeded was complete. */
        lastSyncTime: z.string().optional(),
        /** How long it took: `1m12.4s`. */
        lastSyncDuration: z.string().optional(),
        latestMoverStatus: z.object({ result: z.string().optional(), logs: z.string().default('') }).optional(),
      })
      .default({ conditions: [] }),
  },
)
export type ReplicationSource = z.infer<typeof replicationSources.schema>

const velero = { group: 'velero.io', version: 'v1' }

/** What a backup takes; empty lists take everything. */
const scope = z.object({
  includedNamespaces: z.array(z.string()).nullish(),
  excludedNamespaces: z.array(z.string()).nullish(),
  includedResources: z.array(z.string()).nullish(),
  excludedResources: z.array(z.string()).nullish(),
  includedNamespaceScopedResources: z.array(z.string()).nullish(),
  excludedNamespaceScopedResources: z.array(z.string()).nullish(),
  includedClusterScopedResources: z.array(z.string()).nullish(),
  excludedClusterScopedResources: z.array(z.string()).nullish(),
  includeClusterResources: z.boolean().nullish(),
  labelSelector: z.record(z.string(), z.unknown()).nullish(),
  orLabelSelectors: z.array(z.unknown()).nullish(),
  storageLocation: z.string().optional(),
})
export type BackupScope = z.infer<typeof scope>

export const veleroSchedules = kind(
  { ...velero, plural: 'schedules', kind: 'Schedule' },
  {
    spec: z.object({ schedule: z.string(), paused: z.boolean().default(false), template: scope }),
    // lastBackup is the time of submission, whatever came of it: nothing reads it.
    status: z.object({ phase: z.string().optional() }).default({}),
  },
)
export type VeleroSchedule = z.infer<typeof veleroSchedules.schema>

export const veleroBackups = kind(
  { ...velero, plural: 'backups', kind: 'Backup' },
  {
    spec: scope,
    status: z
      .object({
        phase: z.string().optional(),
        startTimestamp: z.string().optional(),
        completionTimestamp: z.string().optional(),
        expiration: z.string().optional(),
        errors: z.number().default(0),
        progress: z.object({ totalItems: z.number().default(0), itemsBackedUp: z.number().default(0) }).optional(),
      })
      .default({ errors: 0 }),
  },
)
export type VeleroBackup = z.infer<typeof veleroBackups.schema>

export const backupLocations = kind(
  { ...velero, plural: 'backupstoragelocations', kind: 'BackupStorageLocation' },
  {
    spec: z.object({
      provider: z.string().default(''),
      config: z.record(z.string(), z.string()).default({}),
      accessMode: z.string().default('ReadWrite'),
    }),
    status: z.object({ phase: z.string().optional(), lastValidationTime: z.string().optional() }).default({}),
  },
)
export type BackupLocation = z.infer<typeof backupLocations.schema>
