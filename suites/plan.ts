import { closest, distance } from 'fastest-levenshtein'
import type { Place } from '../check/judge.ts'
import { SetupError } from '../check/setup-error.ts'
import type { Read, Source } from '../check/source.ts'
import type { Claim } from '../platform/platform.ts'
import type { NamedCheck } from './chapters.ts'
import { chapterOf } from './chapters.ts'

/** One judgement of a run: a check at a place. */
export type Judgement = NamedCheck & { claim: Claim; place: Place; id: string }

/** What a run is limited to. Empty lists limit nothing. */
export type Filter = { claims: readonly string[]; chapters: readonly string[] }

/** Every check at every place it judges, for the claims that the filter leaves. */
export function planOf(checks: readonly NamedCheck[], claims: readonly Claim[], filter: Filter): Judgement[] {
  const wanted = claims.filter((claim) => isWanted(claim, filter))
  return checks.flatMap((named) =>
    Object.entries(named.check.claims).flatMap(([place, id]) => {
      const claim = wanted.find((candidate) => candidate.id === id)
      return claim ? [{ ...named, claim, place: place as Place, id: `${claim.id}/${named.name}` }] : []
    }),
  )
}

const isWanted = ({ id }: Claim, { claims, chapters }: Filter): boolean =>
  (claims.length === 0 && chapters.length === 0) || claims.includes(id) || chapters.includes(chapterOf(id))

/** All sources that the planned checks read, each once. */
export function sourcesOf(plan: readonly Pick<Judgement, 'check'>[]): Source<unknown>[] {
  const reads = plan.flatMap(({ check }) => Object.values<Read<unknown>>(check.reads))
  const sources = reads.flatMap(({ source }) =>
    source.from.type === 'observation' ? [...source.from.needs, source] : [source],
  )
  return [...new Map(sources.map((source) => [source.id, source])).values()]
}

/** Refuses a filter that names what does not exist; an unknown id must not become a run that judges nothing. */
export function validFilter(filter: Filter, claims: readonly Claim[]): Filter {
  const ids = claims.map(({ id }) => id)
  const chapters = [...new Set(ids.map(chapterOf))]
  refuseUnknown('--claim', filter.claims, ids)
  refuseUnknown('--chapter', filter.chapters, chapters)
  return filter
}

function refuseUnknown(flag: string, wanted: readonly string[], valid: readonly string[]): void {
  const unknown = wanted.filter((name) => !valid.includes(name))
  const [first] = unknown
  if (first === undefined) return
  const nearest = valid.toSorted((a, b) => distance(first, a) - distance(first, b)).slice(0, 5)
  throw new SetupError({
    what: 'choosing what to judge',
    where: flag,
    expected: `one of ${valid.length} ids, near ${first}: ${nearest.join(', ')}`,
    found: unknown.join(', '),
    try: `${flag} ${closest(first, [...valid])}`,
  })
}
