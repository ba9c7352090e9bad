import { isDeepStrictEqual } from 'node:util'

type AnyObject = { metadata: { name: string; [key: string]: unknown }; [key: string]: unknown }
type Listed = readonly { kind: string; items: readonly AnyObject[] }[]

const ofTheServer = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'namespace',
])
/** A cluster hands these out anew. */
const handedOut = new Set(['clusterIP', 'clusterIPs', 'nodePort', 'healthCheckNodePort'])
const revision = 'deployment.kubernetes.io/revision'

/** An object without what only its cluster and its day gave it: what can be made again elsewhere. */
export function portable({ metadata, spec, ...others }: AnyObject): AnyObject {
  const { annotations, ...kept } = metadata
  const own = Object.entries((annotations ?? {}) as Record<string, unknown>).filter(([key]) => key !== revision)
  const rest = Object.entries(others).filter(([key]) => key !== 'status')
  return {
    ...Object.fromEntries(rest),
    metadata: {
      ...Object.fromEntries(Object.entries(kept).filter(([key]) => !ofTheServer.has(key))),
      name: metadata.name,
      ...(own.length === 0 ? {} : { annotations: Object.fromEntries(own) }),
    },
    ...(spec === undefined ? {} : { spec: withoutHandedOut(spec) }),
  }
}

/** A specification without addresses and ports that a cluster gave it. */
export function withoutHandedOut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHandedOut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !handedOut.has(key))
      .map(([key, inner]) => [key, withoutHandedOut(inner)]),
  )
}

/** What of these objects did not come back, or not as it was. Objects that were added later are not asked for. */
export function differingFrom(before: Listed, after: Listed): string[] {
  return before.flatMap(({ kind, items }) => {
    const now = after.find((one) => one.kind === kind)?.items ?? []
    return items.flatMap((item) => {
      const there = now.find(({ metadata }) => metadata.name === item.metadata.name)
      if (!there) return [`${kind} ${item.metadata.name} did not come back`]
      return isDeepStrictEqual(there, item) ? [] : [`${kind} ${item.metadata.name} came back changed`]
    })
  })
}
