import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { daemonSets, deployments, nodes, pods, statefulSets } from '../cluster/kinds/core.ts'
import type { DaemonSet, Deployment, Node, Pod, StatefulSet } from '../cluster/kinds/core.ts'
import type { ClusterContext } from '../check/check.ts'
import type { ClusterName, Component } from '../platform/platform.ts'
import { isImage } from './images.ts'
import { allContainers, daemonSetHealth, isRunning, located, nameOfLocated, workloadHealth } from './objects.ts'

type Workloads = { deployments: Deployment[]; statefulSets: StatefulSet[]; daemonSets: DaemonSet[]; nodes: Node[] }

const runs = (component: Component) => (workload: Deployment | StatefulSet | DaemonSet) =>
  workload.spec.template.spec.containers.some(({ image }) => component.images.some((known) => isImage(image, known)))

export const runsNowhere = 'runs nowhere'

/** `true` when at least one workload runs the component's image and every one that does is healthy. */
export function componentHealth(component: Component, read: Workloads): true | string {
  const replicated = [...read.deployments, ...read.statefulSets].filter(runs(component))
  const onEveryNode = read.daemonSets.filter(runs(component))
  if (replicated.length + onEveryNode.length === 0) return runsNowhere
  const health = [
    ...replicated.map((workload) => [workload, workloadHealth(workload)] as const),
    ...onEveryNode.map((workload) => [workload, daemonSetHealth(workload, read.nodes)] as const),
  ]
  const [broken] = health.filter(([, holds]) => holds !== true)
  return (
    broken === undefined || `${broken[0].kind} ${broken[0].metadata.namespace}/${broken[0].metadata.name} ${broken[1]}`
  )
}

const workloadReads = { deployments, statefulSets, daemonSets, nodes }
const nameOfComponent = ({ name }: Component) => ({ subject: name, look: 'get deployments,statefulsets,daemonsets -A' })

/** The components that the document puts on a cluster for one claim, whatever their phase. */
const componentsFor = (claim: string, { figures, cluster }: ClusterContext) =>
  figures.components.filter(({ claims, clusters }) => claims.includes(claim) && clusters.includes(cluster))

export const platformServices = check({
  claim: 'WORK-01',
  on: 'infra',
  fact: 'every platform service runs on infra',
  reads: workloadReads,
  population: 'documented platform services',
  atLeast: (context) => componentsFor('WORK-01', context).length,
  because: 'so many are documented',
  expected: 'an available workload, found by its image',
  subjects: (_, context) => componentsFor('WORK-01', context),
  name: nameOfComponent,
  holds: (component, _, read) => componentHealth(component, read),
})

export const applications = check({
  claim: 'WORK-02',
  on: 'apps',
  fact: 'every documented application runs on apps',
  reads: workloadReads,
  population: 'documented applications',
  atLeast: (context) => componentsFor('WORK-02', context).length,
  because: 'so many are documented',
  expected: 'an available workload, found by its image',
  subjects: (_, context) => componentsFor('WORK-02', context),
  name: nameOfComponent,
  holds: (component, _, read) => componentHealth(component, read),
})

type Placed = { cluster: ClusterName; object: Pod; forbidden: readonly Component[] }

export const nothingMisplaced = absent({
  claim: 'WORK-03',
  on: 'across',
  fact: 'no component runs on the wrong cluster',
  reads: { pods },
  population: 'running pods',
  atLeast: 40,
  because: 'the control planes of six nodes alone have two dozen, their platform as many again',
  expected: 'on the cluster where the document puts it',
  subjects: ({ infra, apps }, { figures }): Placed[] =>
    [...located('infra', infra.pods.filter(isRunning)), ...located('apps', apps.pods.filter(isRunning))].map((pod) => ({
      ...pod,
      forbidden: figures.components.filter(({ exclusive, clusters }) => exclusive && !clusters.includes(pod.cluster)),
    })),
  name: nameOfLocated,
  detector: ({ cluster, object, forbidden }) => {
    const images = allContainers(object).map(({ image }) => image)
    const found = forbidden.find((component) =>
      images.some((image) => component.images.some((known) => isImage(image, known))),
    )
    return found === undefined ? undefined : `runs ${found.name} on ${cluster}`
  },
  calibrate: ({ infra, apps }, { figures }) => {
    // The floor counts both clusters; one that shows no pod was not looked at.
    if (apps.pods.length === 0) return []
    const [sample] = infra.pods
    const exclusive = figures.components.filter(({ exclusive: only }) => only)
    if (!sample) return []
    return exclusive.map((component): Placed => ({
      cluster: component.clusters.includes('infra') ? 'apps' : 'infra',
      object: {
        ...sample,
        spec: {
          ...sample.spec,
          containers: sample.spec.containers.map((one) => ({ ...one, image: `${component.images[0]}:1` })),
        },
      },
      forbidden: exclusive,
    }))
  },
})
