import type { z } from 'zod'
import type { ClusterName, Names } from '../platform/platform.ts'

/**
 * Where facts about a cluster come from: a list of one kind, or one document of the API server.
 * It is plain data, so that lists, RBAC rules and recorded snapshots can be derived from it.
 */
export type Source<T> = {
  /** Unique over all sources; the key in a snapshot: `pods`, `ciliumnodes.cilium.io`, `openid-keys`. */
  id: string
  /** Plural for people: `Pods`, `signing keys of service-account tokens`. */
  what: string
  /** The narrow shape that checks rely on; anything else in an item is ignored. */
  schema: z.ZodType<T>
  from: List | Get | Observed | Observation
}

/** All objects of one kind. The first served version of `versions` is used. */
export type List = {
  type: 'list'
  group: string
  versions: readonly string[]
  plural: string
  kind: string
  /** No more than the metadata of each: for Secrets, whose values are never read. */
  metadataOnly?: boolean
  /** Only objects with these labels, as the API server understands it. */
  labelSelector?: string
}

/** One document by path. `metadataOnly` asks for no more than the metadata: for Secrets, whose values are never read. */
export type Get = {
  type: 'get'
  path: (names: Names) => string
  metadataOnly?: boolean
  /** The media type to ask for; JSON when left out. */
  accept?: string
  /** Only looked for on this cluster. */
  cluster?: ClusterName
}

/** Seen on the connection itself, without a request: the certificate that the API server presents, the kubeconfig entry. */
export type Observed = { type: 'connection'; aspect: 'certificate' | 'kubeconfig' }

/** How a fact came to be known, in the words of claims.yaml. */
export type ObservationMethod = 'api' | 'exec' | 'port-forward' | 'promql' | 'jaeger' | 'load'

/**
 * Found out by doing something: a certificate that was fetched, a request that was sent and seen at the other end.
 * It runs after the lists were read, once per run and cluster, and its items are judged like those of a list.
 */
export type Observation = {
  type: 'observation'
  method: ObservationMethod
  /** The key of the observer that does it. */
  observer: string
  /** It works through probe pods, so a run with --read-only does not make it. */
  needsProbes: boolean
  /** Lists that it starts from. */
  needs: readonly Source<unknown>[]
  /** Only made on this cluster. */
  cluster?: ClusterName
}

/** How the absence of a kind (its CRD is not installed) is judged. */
export type WhenAbsent = 'unsupported' | 'deviates' | 'empty'
export type Read<T> = { source: Source<T>; whenAbsent: WhenAbsent }

export type Reads = Record<string, Source<unknown> | Read<unknown>>

export type ItemOf<R> = R extends Source<infer T> ? T : R extends Read<infer T> ? T : never
export type Lists<R extends Reads> = { [K in keyof R]: ItemOf<R[K]>[] }

/** The kind belongs to what the document demands: a cluster that does not serve it deviates. */
export const required = <T>(source: Source<T>): Read<T> => ({ source, whenAbsent: 'deviates' })

/** A cluster that does not serve the kind has none of it, and that is a fact to judge by. */
export const optional = <T>(source: Source<T>): Read<T> => ({ source, whenAbsent: 'empty' })

export const toRead = (read: Source<unknown> | Read<unknown>): Read<unknown> =>
  'source' in read ? read : { source: read, whenAbsent: 'unsupported' }

/** What came back for a source. Everything but `listed` says why there is nothing to judge. */
export type Listing =
  | { state: 'listed'; items: readonly unknown[] }
  | { state: 'absent'; reason: string }
  | { state: 'forbidden'; reason: string }
  | { state: 'unreachable'; reason: string }
  | { state: 'malformed'; reason: string }

/** Everything that was read from both clusters in one run: source id to listing. */
export type Snapshot = Record<ClusterName, Readonly<Record<string, Listing>>>
