import semver from 'semver'

/** Since February 2024 Linkerd publishes edge releases only; these are the first edges of each named version (linkerd.io/releases). */
const firstEdges = [
  { version: '2.18.0', edge: '25.4.4' },
  { version: '2.19.0', edge: '25.10.7' },
] as const

/** The named version of a Linkerd tag: `edge-25.4.4` and `stable-2.18.0` are both 2.18.0. Undefined when it tells none. */
function versionOf(tag: string): string | undefined {
  const [, channel, rest = ''] = /^(edge|stable|enterprise|preview)-(.+)$/.exec(tag) ?? []
  const release = semver.coerce(rest)
  if (!release) return undefined
  if (channel !== 'edge') return release.version
  return firstEdges.findLast(({ edge }) => semver.gte(release, edge))?.version ?? '2.0.0'
}

/** `true`, or what the tag says instead of `atLeast` (major.minor). */
function isAtLeast(tag: string, atLeast: string): true | string {
  const version = versionOf(tag)
  if (version === undefined) return `is ${JSON.stringify(tag)}, which tells no version`
  const least = semver.coerce(atLeast)
  if (!least) throw new Error(`${atLeast} is no version`)
  return semver.gte(version, least) || `is ${tag}`
}

export const linkerdRelease = { versionOf, isAtLeast }
