import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { change, isCurrent, isReady, readPods } from './cluster-reads.ts'
import { experimentLabel, managedBy, workloadNamespace } from './names.ts'
import type { OwnWorkload } from './scenario.ts'

const port = 8080

/** Where the volume of a workload is, and the folder on it that files are written to. */
export const volumePath = '/data'
export const canaryFolder = 'canary'

/** A Deployment of one pod that answers with its name, and its Service. */
function objectsOf({ name, prefersNode, tolerationSeconds, hasVolume }: OwnWorkload, id: string, image: string) {
  const labels = { ...managedBy, [experimentLabel]: id, app: name }
  const metadata = { name, namespace: workloadNamespace, labels }
  const tolerations =
    tolerationSeconds === undefined
      ? []
      : ['not-ready', 'unreachable'].map((state) => ({
          key: `node.kubernetes.io/${state}`,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds,
        }))
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: podSpec(prefersNode, tolerations, image, hasVolume) },
    },
  }
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { selector: { app: name }, ports: [{ name: 'http', port, targetPort: port }] },
  }
  return { deployment, service }
}

const podSpec = (node: string, tolerations: unknown[], image: string, hasVolume: boolean) => ({
  terminationGracePeriodSeconds: 1,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  tolerations,
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          preference: { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
        },
      ],
    },
  },
  securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
  ...(hasVolume ? { volumes: [{ name: 'data', emptyDir: { sizeLimit: '64Mi' } }] } : {}),
  containers: [
    {
      name: 'main',
      image,
      ...(hasVolume ? { volumeMounts: [{ name: 'data', mountPath: volumePath }] } : {}),
      args: ['netexec', `--http-port=${port}`],
      ports: [{ name: 'http', containerPort: port }],
      startupProbe: { httpGet: { path: '/healthz', port }, periodSeconds: 1, failureThreshold: 60 },
      readinessProbe: { httpGet: { path: '/healthz', port }, periodSeconds: 5 },
      resources: { requests: { cpu: '5m', memory: '16Mi' }, limits: { memory: '64Mi' } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    },
  ],
})

/** Makes the workloads of a scenario in a namespace of their own, and waits until each stands where it has to. */
export async function raiseWorkloads(
  connection: Connection,
  id: string,
  workloads: readonly OwnWorkload[],
  image: string,
  deadline: Deadline,
): Promise<void> {
  if (workloads.length === 0) return
  const metadata = { name: workloadNamespace, labels: { ...managedBy, [experimentLabel]: id } }
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata }
  await change(connection, { method: 'POST', path: '/api/v1/namespaces', body: namespace }, deadline)
  for (const workload of workloads) {
    const { deployment, service } = objectsOf(workload, id, image)
    const inNamespace = (group: string, plural: string) => `${group}/namespaces/${workloadNamespace}/${plural}`
    // oxlint-disable-next-line no-await-in-loop -- a handful
    await change(connection, { method: 'POST', path: inNamespace('/api/v1', 'services'), body: service }, deadline)
    // oxlint-disable-next-line no-await-in-loop
    await change(
      connection,
      { method: 'POST', path: inNamespace('/apis/apps/v1', 'deployments'), body: deployment },
      deadline,
    )
  }
  await standing(connection, workloads, deadline)
}

async function standing(connection: Connection, workloads: readonly OwnWorkload[], deadline: Deadline): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until they stand
    const pods = await readPods(connection, deadline, { namespace: workloadNamespace })
    const ready = pods.filter(isCurrent).filter(isReady)
    const isThere = ({ name, prefersNode }: OwnWorkload) =>
      ready.some(({ metadata, spec }) => metadata.labels['app'] === name && spec.nodeName === prefersNode)
    if (workloads.every(isThere)) return
    const astray = ready.find(({ metadata, spec }) =>
      workloads.some(({ name, prefersNode }) => metadata.labels['app'] === name && spec.nodeName !== prefersNode),
    )
    if (astray)
      throw new Error(
        `${astray.metadata.name} was put on ${astray.spec.nodeName}, where nothing will happen to it; is there room on the other node?`,
      )
    // oxlint-disable-next-line no-await-in-loop
    await sleep(500, undefined, { signal: deadline.signal })
  }
}
