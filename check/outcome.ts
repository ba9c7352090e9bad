/** Every claim ends every run with exactly one of these. From best to worst; a claim's outcome is the worst of its checks. */
export const outcomes = [
  'conforms',
  'waived',
  'planned',
  'unsupported',
  'disputed',
  'inconclusive',
  'deviates',
] as const

export type Outcome = (typeof outcomes)[number]

/** What an exit code of a run means. 3 is never the code of a result: it says that the run itself could not be set up. */
export const exitCodes = { conforming: 0, deviating: 1, inconclusive: 2, setup: 3 } as const

/** The worst of several outcomes. An empty list is not a conforming one: nothing was judged. */
export function worst(all: readonly Outcome[]): Outcome {
  if (all.length === 0) return 'inconclusive'
  return all.reduce((a, b) => (outcomes.indexOf(b) > outcomes.indexOf(a) ? b : a))
}

/** The exit code of a run that ended with these outcomes: 1 before 2 before 0; 2 when there is none at all. */
export function exitCodeOf(all: readonly Outcome[]): 0 | 1 | 2 {
  if (all.includes('deviates')) return exitCodes.deviating
  if (all.length === 0 || all.includes('inconclusive')) return exitCodes.inconclusive
  return exitCodes.conforming
}
