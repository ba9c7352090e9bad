import { check } from '../check/check.ts'
import { daemonSets, deployments, nodes, pods, statefulSets } from '../cluster/kinds/core.ts'
import { runnerSets } from '../cluster/kinds/runners.ts'
import { isReady, isRunning } from './objects.ts'
import { componentHealth } from './workloads.ts'

const controllerImage = 'actions/gha-runner-scale-set-controller'

export const runnerControllerRuns = check({
  claim: 'WORK-04',
  on: 'infra',
  fact: 'the controller of the GitHub Actions runners is available on infra',
  reads: { deployments, statefulSets, daemonSets, nodes },
  population: 'controllers of runners',
  atLeast: 1,
  expected: `an available workload of the image ${controllerImage}`,
  subjects: (_, { figures }) =>
    figures.components
      .filter(({ id }) => id === 'actions-runners')
      .map((component) => ({ ...component, name: `the controller of ${component.name}`, images: [controllerImage] })),
  name: ({ name }) => ({ subject: name, look: 'get deployments -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})

const registration = 'runner-scale-set-id'
const listenerLabels = {
  component: 'app.kubernetes.io/component',
  set: 'actions.github.com/scale-set-name',
  namespace: 'actions.github.com/scale-set-namespace',
}

/** At rest there may be no runner at all; who is listening for jobs is what makes them available. */
export const runnerSetsListen = check({
  claim: 'WORK-04',
  on: 'infra',
  fact: 'every set of runners is registered with GitHub and listens for jobs',
  reads: { sets: runnerSets, pods },
  population: 'sets of runners',
  atLeast: 1,
  because: 'line 93 has runners on infra',
  expected: `the annotation ${registration}, and a ready listener`,
  subjects: (read) => read.sets,
  holds: ({ metadata }, _, read) => {
    if ((metadata.annotations[registration] ?? '') === '') return 'is not registered with GitHub'
    const listeners = read.pods.filter(
      (pod) =>
        pod.metadata.labels[listenerLabels.component] === 'runner-scale-set-listener' &&
        pod.metadata.labels[listenerLabels.set] === metadata.name &&
        pod.metadata.labels[listenerLabels.namespace] === metadata.namespace,
    )
    if (listeners.length === 0) return 'has no listener'
    return listeners.some((pod) => isRunning(pod) && isReady(pod)) || 'has a listener that is not ready'
  },
})
