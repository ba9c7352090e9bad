import { kind } from './object.ts'

/** Runners of GitHub Actions. Its status is refreshed at times only: whether it is registered, an annotation tells. */
export const runnerSets = kind(
  { group: 'actions.github.com', version: 'v1alpha1', plural: 'autoscalingrunnersets', kind: 'AutoscalingRunnerSet' },
  {},
)
