import type { ClusterFigures, ClusterName, Figures, Names } from '../platform/platform.ts'
import type { Figure } from './result.ts'
import type { Lists, Reads, Read } from './source.ts'
import { toRead } from './source.ts'

/** What a judgement may know besides the subjects: the document, the names, the time. Nothing that needs input or output. */
export type Context = {
  figures: Figures
  names: Names
  now: Date
}
export type ClusterContext = Context & {
  cluster: ClusterName
  /** What the document says of this cluster. */
  documented: ClusterFigures
}

/** `true`, or what was found instead, as it shall be printed after the subject: `uses 10.25.11.149`. */
export type Holding = true | string

/** What a subject is called. Kubernetes objects name themselves; everything else says it here. */
export type Naming = {
  /** For example `Service gitlab/gitlab-webservice`. */
  subject: string
  /** Which cluster it is on; needed for `across` checks only. */
  cluster?: ClusterName
  /** A command that shows it, without `kubectl --context <context>`. */
  look?: string
}

type Common<S> = {
  /** A lowercase sentence that should be true. It is what gets printed. */
  fact: string
  /** What is counted, as a plural: `LoadBalancer Services`. */
  population: string
  /** Why `atLeast` is what it is, where that is not plain. */
  because?: string
  name?: (subject: S) => Naming
}

/** Everything of a check of one cluster but its judgement. */
export type ClusterQuestion<R extends Reads, S> = Common<S> & {
  claim: string | Record<ClusterName, string>
  on?: 'each' | ClusterName
  reads: R
  subjects: (read: Lists<R>, context: ClusterContext) => readonly S[]
  /** The least number of subjects that must be looked at; with fewer the result is inconclusive. Never below 1. */
  atLeast: number | ((context: ClusterContext) => number)
  /** What each subject has to be: `an address in 10.25.11.150-10.25.11.199`. */
  expected: string | ((context: ClusterContext) => string)
  /** True when a deviation of this subject is what the document's own contradiction leads to. */
  disputed?: boolean | ((subject: S, context: ClusterContext) => boolean)
  /** Documented figures beside observed ones. */
  compare?: (read: Lists<R>, context: ClusterContext) => Figure[]
}
export type ClusterCheck<R extends Reads, S> = ClusterQuestion<R, S> & {
  holds: (subject: S, context: ClusterContext, read: Lists<R>) => Holding
}

/** The same for a check that relates the two clusters. */
export type AcrossQuestion<R extends Reads, S> = Common<S> & {
  claim: string
  on: 'across'
  reads: R
  subjects: (read: Record<ClusterName, Lists<R>>, context: Context) => readonly S[]
  atLeast: number | ((context: Context) => number)
  expected: string | ((context: Context) => string)
  disputed?: boolean | ((subject: S, context: Context) => boolean)
  compare?: (read: Record<ClusterName, Lists<R>>, context: Context) => Figure[]
  name: (subject: S) => Naming & { cluster: ClusterName }
}
export type AcrossCheck<R extends Reads, S> = AcrossQuestion<R, S> & {
  holds: (subject: S, context: Context, read: Record<ClusterName, Lists<R>>) => Holding
}

/** A check as the engine sees it: everything typed was closed over by `check()`. */
export type Check = {
  fact: string
  population: string
  because: string | undefined
  method: string
  reads: Record<string, Read<unknown>>
  /** Claim by place of judgement: `{ infra: 'NET-07' }`, `{ across: 'TOPO-01' }`. */
  claims: Partial<Record<ClusterName | 'across', string>>
  look: (read: Readings, context: ClusterContext | Context) => Looked
}

/** Parsed items by read name, for the one or the two clusters that the check looks at. */
export type Readings = Partial<Record<ClusterName, Record<string, unknown[]>>>

export type Looked = {
  atLeast: number
  expected: string
  figures: Figure[]
  /** Why the detector of an absence cannot be trusted. */
  brokenDetector?: string
  /** What was measured, but not surely enough to be judged. */
  undecided?: readonly string[]
  subjects: { naming: Naming; holds: Holding; disputed: boolean }[]
}

const brand = Symbol('check')

/** Makes a check of one claim. It judges nothing yet: `judge()` does, for a snapshot. */
export function check<R extends Reads, S>(definition: AcrossCheck<R, S>): Check
export function check<R extends Reads, S>(definition: ClusterCheck<R, S>): Check
export function check<R extends Reads, S>(definition: ClusterCheck<R, S> | AcrossCheck<R, S>): Check {
  const reads = Object.fromEntries(Object.entries(definition.reads).map(([key, read]) => [key, toRead(read)]))
  const common = {
    fact: definition.fact,
    population: definition.population,
    because: definition.because,
    method: methodOf(reads),
    reads,
    [brand]: true,
  }
  if (definition.on === 'across') {
    return {
      ...common,
      claims: { across: definition.claim },
      look: (read, context) => lookAcross(definition, read, context),
    }
  }
  return { ...common, claims: claimsOf(definition), look: (read, context) => lookAt(definition, read, context) }
}

/** A check is named after the most telling thing it reads. */
function methodOf(reads: Record<string, Read<unknown>>): string {
  const acted = Object.values(reads).flatMap(({ source: { from } }) =>
    from.type === 'observation' ? [from.method] : [],
  )
  return acted[0] ?? 'api'
}

export const isCheck = (value: unknown): value is Check => typeof value === 'object' && value !== null && brand in value

function claimsOf<R extends Reads, S>({ claim, on = 'each' }: ClusterCheck<R, S>): Check['claims'] {
  const claims = typeof claim === 'string' ? { infra: claim, apps: claim } : claim
  return on === 'each' ? claims : { [on]: claims[on] }
}

function lookAt<R extends Reads, S>(
  definition: ClusterCheck<R, S>,
  readings: Readings,
  context: ClusterContext | Context,
): Looked {
  if (!('cluster' in context)) throw new Error('a check of one cluster was judged without a cluster')
  const read = readings[context.cluster] as Lists<R>
  const { disputed = false } = definition
  return {
    atLeast: floorOf(definition.atLeast, context),
    expected: textOf(definition.expected, context),
    figures: definition.compare?.(read, context) ?? [],
    subjects: definition.subjects(read, context).map((subject) => ({
      naming: { cluster: context.cluster, ...(definition.name ?? nameOfObject)(subject) },
      holds: definition.holds(subject, context, read),
      disputed: typeof disputed === 'function' ? disputed(subject, context) : disputed,
    })),
  }
}

function lookAcross<R extends Reads, S>(definition: AcrossCheck<R, S>, readings: Readings, context: Context): Looked {
  const read = readings as Record<ClusterName, Lists<R>>
  const { disputed = false } = definition
  return {
    atLeast: floorOf(definition.atLeast, context),
    expected: textOf(definition.expected, context),
    figures: definition.compare?.(read, context) ?? [],
    subjects: definition.subjects(read, context).map((subject) => ({
      naming: definition.name(subject),
      holds: definition.holds(subject, context, read),
      disputed: typeof disputed === 'function' ? disputed(subject, context) : disputed,
    })),
  }
}

/** A floor below one would let a check pass without having looked. */
function floorOf<C>(atLeast: number | ((context: C) => number), context: C): number {
  const floor = typeof atLeast === 'function' ? atLeast(context) : atLeast
  if (!Number.isInteger(floor) || floor < 1)
    throw new Error(`atLeast has to be a whole number of 1 or more, not ${floor}`)
  return floor
}

const textOf = <C>(text: string | ((context: C) => string), context: C) =>
  typeof text === 'function' ? text(context) : text

/** Kind, namespace and name of a Kubernetes object, and the command that shows it. */
export function nameOfObject(subject: unknown): Naming {
  const { kind, metadata } = subject as { kind?: string; metadata?: { name?: string; namespace?: string } }
  if (!kind || !metadata?.name) throw new Error('a check whose subjects are not Kubernetes objects has to name them')
  const { name, namespace } = metadata
  return {
    subject: namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`,
    look: `${namespace ? `-n ${namespace} ` : ''}get ${kind.toLowerCase()} ${name} -o yaml`,
  }
}
