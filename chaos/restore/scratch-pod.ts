import { z } from 'zod'
import { experimentLabel, managedBy, workloadNamespace } from '../names.ts'

/** The file that a scratch server waits for: its data are there. */
export const startSign = 'start'
export const scratchName = 'restored'

const volume = z.looseObject({ name: z.string() })
const mount = z.looseObject({ name: z.string(), mountPath: z.string() })
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  volumeMounts: z.array(mount).default([]),
  resources: z.unknown().optional(),
  securityContext: z.unknown().optional(),
})

/** What a copy of a pod needs to know of it. */
export const sourcePod = z.object({
  spec: z.object({
    containers: z.array(container),
    volumes: z.array(volume).default([]),
    securityContext: z.unknown().optional(),
  }),
})
export type SourcePod = z.infer<typeof sourcePod>

/** The volume of the data, and the folder within it: what is backed up. */
export function dataOf(pod: SourcePod, name: string): { volume: string; mountPath: string; folder: string } {
  const found = containerOf(pod, name)
  const pgdata = found.env.find((one) => one.name === 'PGDATA')?.value
  const holding = found.volumeMounts.find(({ mountPath }) => pgdata?.startsWith(`${mountPath}/`))
  if (pgdata === undefined || !holding)
    throw new Error(`container ${name} has no PGDATA on a volume of its own, so nobody knows what to back up`)
  return { volume: holding.name, mountPath: holding.mountPath, folder: pgdata.slice(holding.mountPath.length + 1) }
}

function containerOf({ spec }: SourcePod, name: string) {
  const found = spec.containers.find((one) => one.name === name)
  if (!found) throw new Error(`the pod has no container ${name}`)
  return found
}

/** Only volumes that mean the same in another namespace: programs of the host, and empty ones. */
const isPortable = (one: z.infer<typeof volume>) => 'hostPath' in one || 'emptyDir' in one

/**
 * A pod with the same server as `pod`, on an empty volume, outside of the mesh, in the namespace of chaos. It starts
 * the server when the sign is there, and not before: restored data are complete or unseen.
 */
export function scratchPod(pod: SourcePod, name: string, id: string) {
  const { image, env, volumeMounts, resources, securityContext } = containerOf(pod, name)
  const data = dataOf(pod, name)
  const volumes = pod.spec.volumes
    .filter(isPortable)
    .map((one) => (one.name === data.volume ? { name: one.name, emptyDir: {} } : one))
  const kept = new Set([...volumes.map((one) => one.name), data.volume])
  const server =
    "-c listen_addresses='*' -c port=5432 -c unix_socket_directories=/run -c shared_buffers=16MB -c fsync=off -c jit=off"
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: scratchName,
      namespace: workloadNamespace,
      labels: { ...managedBy, [experimentLabel]: id, app: scratchName },
      annotations: { 'linkerd.io/inject': 'disabled' },
    },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: pod.spec.securityContext,
      volumes: volumes.some((one) => one.name === data.volume)
        ? volumes
        : [...volumes, { name: data.volume, emptyDir: {} }],
      containers: [
        {
          name,
          image,
          command: [
            '/bin/sh',
            '-c',
            `until [ -e ${data.mountPath}/${startSign} ]; do sleep 0.2; done; exec postgres -D ${data.mountPath}/${data.folder} ${server}`,
          ],
          env: env.filter(({ value }) => value !== undefined),
          volumeMounts: volumeMounts.filter((one) => kept.has(one.name)),
          resources,
          securityContext,
        },
      ],
    },
  }
}
