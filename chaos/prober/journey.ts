import { z } from 'zod'
import { clusterName, text } from '../../platform/shapes.ts'

const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'the name of an object: lowercase letters, digits, dashes')

const common = {
  /** What it is called in results: `echo`. */
  id: name,
  /** The cluster where the user of the journey is. */
  from: clusterName,
  periodMs: z.int().min(50, '50 ms or more').default(200),
  timeoutMs: z.int().min(100, '100 ms or more').default(1_000),
}

const service = z.strictObject({
  ...common,
  by: z.literal('service'),
  namespace: name,
  service: name,
  port: z.int().min(1).max(65_535),
  path: text.default('/hostname'),
  /** True: from inside the mesh, as a pod of it; the way to mirrored Services. */
  meshed: z.boolean().default(false),
})

/** Writes to the API server: it answers only while etcd has its quorum. */
const api = z.strictObject({ ...common, by: z.literal('api'), operation: z.enum(['read', 'write']) })

/** Rows that are inserted into PostgreSQL, each in a transaction of its own. */
const postgres = z.strictObject({
  ...common,
  by: z.literal('postgres'),
  namespace: name,
  service: name,
  /** The Secret with username, password and dbname. */
  secret: name,
  /** The cluster that has it; that of the user when left out. */
  secretOn: clusterName.optional(),
  /** True: from inside the mesh, as a pod of it; the way to mirrored Services. */
  meshed: z.boolean().default(false),
})

/** Files that are written to the volume of a workload that the scenario brings. */
const files = z.strictObject({ ...common, by: z.literal('files'), workload: name })

/** ConfigMaps that are made in the namespace of the scenario's workloads. */
const objects = z.strictObject({ ...common, by: z.literal('objects') })

/** Journeys that write something down which has to come back from a backup. */
export const writesDown = (journey: { by: string }): boolean => ['postgres', 'files', 'objects'].includes(journey.by)

/** What a user of the platform does, again and again, while something is broken. */
export const journeySchema = z.discriminatedUnion('by', [service, api, postgres, files, objects])
export type Journey = z.infer<typeof journeySchema>
