import type { Deadline } from '../check/deadline.ts'
import { SetupError } from '../check/setup-error.ts'
import type { Connections } from '../cluster/snapshot.ts'
import { hasOperator } from './jobs.ts'
import { clusters } from './measure.ts'
import type { GeneratorForm, K6Program } from './objects.ts'
import type { TestPlan } from './plan.ts'

/** The operator looks at a script, makes runners and lets them go, one after the other. */
const operatorSeconds = 45
/** Batches that begin one after the other at least: with and without the mesh, and through the gateway. */
const fewestBatches = 2

/**
 * Where both clusters have the k6-operator, it runs the generators; but one k6 for a quick test is a Job, which starts
 * sooner. Throws when several are wanted and there is no operator, or when k6 is a file of the nodes, which it cannot run.
 */
export async function chooseForm(
  connections: Connections,
  { generators, isQuick, k6 }: { generators: number; isQuick: boolean; k6: K6Program },
  deadline: Deadline,
): Promise<GeneratorForm> {
  if (generators === 1 && (isQuick || k6.file !== undefined)) return { kind: 'Job' }
  const both = await Promise.all(clusters.map((cluster) => hasOperator(connections[cluster], deadline)))
  if (both.every(Boolean) && k6.file === undefined) return { kind: 'TestRun', parallelism: generators }
  if (generators === 1) return { kind: 'Job' }
  throw new SetupError({
    what: 'sharing a load between generators',
    where: clusters.filter((_, index) => !both[index]).join(' and ') || 'the embedded pair',
    expected: `the k6-operator (kind TestRun of k6.io/v1alpha1) on both clusters, for ${generators} generators`,
    found: 'no such kind, or a k6 that no image has',
    try: 'install the k6-operator, or leave generators out',
  })
}

/** What the operator needs beyond the time of a Job. */
export const planWith = (form: GeneratorForm, plan: TestPlan): TestPlan =>
  form.kind === 'Job'
    ? plan
    : {
        ...plan,
        leadSeconds: plan.leadSeconds + operatorSeconds,
        budgetSeconds: plan.budgetSeconds + fewestBatches * operatorSeconds,
      }

export const formText = (form: GeneratorForm): string =>
  form.kind === 'Job' ? 'a Job per arm' : `a TestRun per arm, ${form.parallelism} generators each`
