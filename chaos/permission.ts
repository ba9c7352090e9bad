import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { clusterName, text } from '../platform/shapes.ts'
import { readYAML } from '../platform/read-yaml.ts'
import type { Permission } from './circumstances.ts'

export const permissionFile = 'chaos.yaml'

/** Nobody remembers tomorrow what was armed today. */
const longestArmingHours = 8

const words = z.array(text).min(1, 'a program and its arguments')

const permissionSchema = z.strictObject({
  arm: z
    .strictObject({
      /** UIDs of the namespace kube-system. */
      infra: z.uuid('the UID of the namespace kube-system of infra').optional(),
      apps: z.uuid('the UID of the namespace kube-system of apps').optional(),
      /** The cluster that a drill of tier 3 may lose with everything on it. */
      mayLose: clusterName.optional(),
      until: z.iso.datetime({ offset: true, error: 'a point in time, such as 2026-01-31T18:00:00Z' }),
    })
    .optional(),
  protect: z
    .strictObject({ namespaces: z.array(text).default([]), nodes: z.array(text).default([]) })
    .default({ namespaces: [], nodes: [] }),
  /** Commands that switch a node; `{node}` stands for its name. */
  power: z.strictObject({ off: words, on: words }).optional(),
  /** Image of workloads that a scenario brings. */
  image: text.optional(),
})
export type PermissionFile = z.infer<typeof permissionSchema>

/** Reads chaos.yaml; without the file nothing is armed and nothing of the user's is protected beyond our own list. */
export function readPermission(folder: string, now = new Date()): PermissionFile {
  const file = join(folder, permissionFile)
  if (!existsSync(file)) return permissionSchema.parse({})
  const { data, refuse } = readYAML(file, permissionSchema)
  const { arm } = data
  if (arm && Date.parse(arm.until) > now.getTime() + longestArmingHours * 3_600_000)
    refuse([{ path: ['arm', 'until'], expected: `an end within ${longestArmingHours} hours`, found: arm.until }])
  return data
}

export function permissionOf({ arm, protect }: PermissionFile, isArmed: boolean): Permission {
  const { infra, apps, mayLose } = arm ?? {}
  const clusters = { ...(infra === undefined ? {} : { infra }), ...(apps === undefined ? {} : { apps }) }
  return {
    isArmed,
    arming: arm && { clusters, until: new Date(arm.until), ...(mayLose === undefined ? {} : { mayLose }) },
    protectedNamespaces: protect.namespaces,
    protectedNodes: protect.nodes,
  }
}
