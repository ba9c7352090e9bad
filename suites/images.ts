import semver from 'semver'

export type Image = { repository: string; tag: string | undefined }

/** Takes an image reference apart; host and digest do not count, mirrors rewrite the one and charts add the other. */
export function imageOf(reference: string): Image {
  const [withoutDigest = ''] = reference.split('@')
  const parts = withoutDigest.split('/')
  const [first = ''] = parts
  const hosted = parts.length > 1 && (first.includes('.') || first.includes(':') || first === 'localhost')
  const path = (hosted ? parts.slice(1) : parts).join('/')
  const colon = path.lastIndexOf(':')
  return colon < 0
    ? { repository: path, tag: undefined }
    : { repository: path.slice(0, colon), tag: path.slice(colon + 1) }
}

/** Whether the repository path of an image ends with this one: `cilium/cilium` for `quay.io/cilium/cilium:v1.18.2@sha256:..`. */
export function isImage(reference: string, repository: string): boolean {
  const actual = imageOf(reference).repository
  return actual === repository || actual.endsWith(`/${repository}`)
}

/** The version that a tag starts with, or undefined: `v1.18.2-ubi` is 1.18.2. */
export const versionOfTag = (tag: string | undefined): string | undefined =>
  tag === undefined ? undefined : (semver.parse(tag, { loose: true })?.format() ?? semver.coerce(tag)?.format())

/** `true`, or what is wrong with an image whose version has to be `atLeast` (a major.minor or a full version). */
export function isAtLeast(reference: string, atLeast: string): true | string {
  const { tag } = imageOf(reference)
  const version = versionOfTag(tag)
  if (version === undefined) return `runs ${reference}, which tells no version`
  const least = semver.coerce(atLeast)
  if (!least) throw new Error(`${atLeast} is no version`)
  return semver.gte(semver.coerce(version) ?? version, least) || `runs ${reference}`
}
