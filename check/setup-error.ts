/** Why a run could not be set up, written for whoever has to mend it. It ends the run with exit code 3. */
export type SetupProblem = { what: string; where: string; expected: string; found: string; try: string }

export class SetupError extends Error {
  override name = 'SetupError'
  readonly problem: SetupProblem
  constructor(problem: SetupProblem, options?: ErrorOptions) {
    super(describeProblem(problem), options)
    this.problem = problem
  }
}

/** The text that is printed for a problem. */
export const describeProblem = ({ what, where, expected, found, try: advice }: SetupProblem): string =>
  [
    `${what} failed`,
    `  where      ${where}`,
    `  expected   ${expected}`,
    `  found      ${found}`,
    `  try        ${advice}`,
  ].join('\n')
