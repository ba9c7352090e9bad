import type { Scenario } from './scenario.ts'

/** A scenario whose journeys or faults cross the border, so that nothing else may run meanwhile. */
const needsBoth = ({ cluster, isAlone, journeys }: Scenario) =>
  cluster === 'across' || isAlone || journeys.some(({ from }) => from !== cluster)

/**
 * Runs scenarios: first those that need both clusters, one after the other; then those of infra beside those of apps, one
 * at a time on each. Results come in the order in which they end.
 */
export async function inLanes<T>(
  scenarios: readonly Scenario[],
  run: (scenario: Scenario) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  const oneByOne = async (lane: readonly Scenario[]) => {
    for (const scenario of lane) {
      // oxlint-disable-next-line no-await-in-loop -- one experiment at a time on a cluster
      results.push(await run(scenario))
    }
  }
  const rest = scenarios.filter((scenario) => !needsBoth(scenario))
  await oneByOne(scenarios.filter(needsBoth))
  await Promise.all(
    (['infra', 'apps'] as const).map((cluster) => oneByOne(rest.filter((scenario) => scenario.cluster === cluster))),
  )
  return results
}
