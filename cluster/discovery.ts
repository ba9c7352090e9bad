import { z } from 'zod'
import type { Deadline } from '../check/deadline.ts'
import type { List } from '../check/source.ts'
import type { Connection } from './connection.ts'
import { parseJSON } from './json.ts'

/** What the API server serves: `group` to version to plural names. The core group is `''`. */
export type Served = Map<string, Map<string, Set<string>>>

const aggregatedAccept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList'

const aggregated = z.object({
  kind: z.literal('APIGroupDiscoveryList'),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).default({ name: '' }),
      versions: z.array(
        z.object({ version: z.string(), resources: z.array(z.object({ resource: z.string() })).default([]) }),
      ),
    }),
  ),
})

/** Asks in two requests for everything that is served (aggregated discovery, Kubernetes 1.27 and later). */
export async function discover(connection: Connection, deadline: Deadline): Promise<Served> {
  const documents = await Promise.all(
    ['/api', '/apis'].map(async (path) => {
      const answer = await connection.get(path, deadline, aggregatedAccept)
      if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${answer.text.slice(0, 200)}`)
      const parsed = aggregated.safeParse(parseJSON(answer.text))
      if (!parsed.success)
        throw new Error(`GET ${path} did not answer with aggregated discovery; Kubernetes 1.27 or later is needed`)
      return parsed.data.items
    }),
  )
  const served: Served = new Map()
  for (const group of documents.flat()) {
    const versions = served.get(group.metadata.name) ?? new Map<string, Set<string>>()
    for (const { version, resources } of group.versions)
      versions.set(version, new Set(resources.map((r) => r.resource)))
    served.set(group.metadata.name, versions)
  }
  return served
}

export type ListPath = { found: true; path: string } | { found: false; reason: string }

/** The path of a list over all namespaces, at the first wanted version that is served. */
export function pathOfList({ group, versions, plural }: List, served: Served): ListPath {
  const version = versions.find((wanted) => served.get(group)?.get(wanted)?.has(plural))
  if (version === undefined) {
    const wanted = `${plural}.${group} (${versions.join(' or ')})`
    return { found: false, reason: `the API server does not serve ${group === '' ? plural : wanted}` }
  }
  return { found: true, path: group === '' ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}` }
}
