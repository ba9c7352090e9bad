import { parse as parseYAML } from 'yaml'
import { z } from 'zod'
import { linkerdConfig } from '../kinds/documents.ts'
import type { Site } from '../observe.ts'

const configValues = z.object({ identityTrustDomain: z.string().optional(), clusterDomain: z.string().optional() })

/** The last part of every identity in the mesh of a cluster. */
export function trustDomainOf({ list }: Site): string {
  const [config] = list(linkerdConfig)
  const values = configValues.safeParse(parseYAML(config?.data['values'] ?? ''))
  const named = values.success ? (values.data.identityTrustDomain ?? values.data.clusterDomain) : undefined
  return named === undefined || named === '' ? 'cluster.local' : named
}
