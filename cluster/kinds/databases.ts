import { z } from 'zod'
import { conditioned, kind } from './object.ts'

const postgres = { group: 'postgresql.cnpg.io', version: 'v1' }

export const postgresClusters = kind(
  { ...postgres, plural: 'clusters', kind: 'Cluster' },
  {
    spec: z.object({
      instances: z.number().default(1),
      backup: z
        .object({
          barmanObjectStore: z
            .object({
              endpointURL: z.string().optional(),
              destinationPath: z.string().optional(),
              data: z.object({ encryption: z.string().optional() }).optional(),
            })
            .optional(),
        })
        .default({}),
      plugins: z
        .array(
          z.object({
            name: z.string(),
            isWALArchiver: z.boolean().default(false),
            parameters: z.record(z.string(), z.string()).default({}),
          }),
        )
        .default([]),
    }),
    status: conditioned
      .extend({
        /** A sentence: `Cluster in healthy state`. */
        phase: z.string().optional(),
        readyInstances: z.number().default(0),
        currentPrimary: z.string().optional(),
        targetPrimary: z.string().optional(),
        image: z.string().optional(),
        pgDataImageInfo: z.object({ majorVersion: z.number() }).optional(),
      })
      .default({ conditions: [], readyInstances: 0 }),
  },
)
export type PostgresCluster = z.infer<typeof postgresClusters.schema>

export const postgresSchedules = kind(
  { ...postgres, plural: 'scheduledbackups', kind: 'ScheduledBackup' },
  {
    spec: z.object({
      /** Six fields, the first of them seconds. */
      schedule: z.string(),
      suspend: z.boolean().default(false),
      method: z.string().default('barmanObjectStore'),
      cluster: z.object({ name: z.string() }),
    }),
  },
)

export const postgresBackups = kind(
  { ...postgres, plural: 'backups', kind: 'Backup' },
  {
    spec: z.object({ cluster: z.object({ name: z.string() }) }),
    status: z
      .object({
        phase: z.string().optional(),
        startedAt: z.string().optional(),
        stoppedAt: z.string().optional(),
        error: z.string().optional(),
      })
      .default({}),
  },
)

/** Where the Barman Cloud plugin of CloudNativePG writes to. */
export const postgresObjectStores = kind(
  { group: 'barmancloud.cnpg.io', version: 'v1', plural: 'objectstores', kind: 'ObjectStore' },
  {
    spec: z.object({
      configuration: z.object({
        endpointURL: z.string().optional(),
        destinationPath: z.string().optional(),
        data: z.object({ encryption: z.string().optional() }).optional(),
      }),
    }),
  },
)
export type PostgresObjectStore = z.infer<typeof postgresObjectStores.schema>
