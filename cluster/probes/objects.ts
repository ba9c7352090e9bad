import type { ClusterName } from '../../platform/platform.ts'
import type { Owner } from '../own-objects.ts'
import { ownedMetadata, probes, restrictedContainer, restrictedPod } from '../own-objects.ts'

/** Where probes live, on both clusters. One run at a time holds it: creating the namespace is taking it. */
export const probeNamespace = probes.name
export const probePort = 8080

/**
 * `guarded`: meshed, and its proxy takes nothing from outside the mesh. `restricted`: meshed, and there for policies that
 * name who may come in.
 */
export type ProbeRole = 'meshed' | 'plain' | 'guarded' | 'restricted'
export type ProbePod = { name: string; role: ProbeRole; node: string }

const annotationsOf = (role: ProbeRole): Record<string, string> => ({
  'linkerd.io/inject': role === 'plain' ? 'disabled' : 'enabled',
  ...(role === 'guarded' ? { 'config.linkerd.io/default-inbound-policy': 'all-authenticated' } : {}),
})

export const podObject = ({ name, role, node }: ProbePod, image: string, owner: Owner) => {
  const metadata = ownedMetadata(probes, owner, name, { app: role })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, annotations: annotationsOf(role) },
    spec: {
      ...restrictedPod,
      nodeName: node,
      restartPolicy: 'Never',
      activeDeadlineSeconds: probes.lifetimeSeconds,
      containers: [
        {
          name: 'probe',
          image,
          imagePullPolicy: 'IfNotPresent',
          args: ['netexec', `--http-port=${probePort}`],
          ports: [{ name: 'http', containerPort: probePort }],
          // Linkerd lets the paths of probes pass, whatever its policy says: nothing else asks for this one.
          startupProbe: { httpGet: { path: '/healthz', port: probePort }, periodSeconds: 1, failureThreshold: 60 },
          resources: { requests: { cpu: '5m', memory: '16Mi' }, limits: { cpu: '500m', memory: '64Mi' } },
          securityContext: restrictedContainer,
        },
      ],
    },
  }
}

export const serviceObject = (name: string, role: ProbeRole, owner: Owner, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: ownedMetadata(probes, owner, name, labels),
  // A pod that can be used is not always ready yet, see isUsable.
  spec: {
    publishNotReadyAddresses: true,
    selector: { app: role },
    ports: [{ name: 'http', port: probePort, targetPort: probePort }],
  },
})

/** Names are never used again: a kubelet may still be busy with the pod of a run before. */
export const podNames = (nodes: readonly string[], run: string): ProbePod[] => {
  const pod = (role: ProbeRole, node: string, index: number) => ({ name: `${role}-${run}-${index + 1}`, role, node })
  return [
    ...nodes.flatMap((node, index) => [pod('meshed', node, index), pod('plain', node, index)]),
    // One shows what its proxy refuses.
    ...nodes.slice(-1).map((node) => pod('guarded', node, 0)),
    ...nodes.slice(0, 1).map((node) => pod('restricted', node, 0)),
  ]
}

/** The name by which a Service of the probes is found in its own cluster. */
export const serviceHost = (name: string, domain: string) => `${name}.${probeNamespace}.svc.${domain}`

/** A Service of infra that is exported, as it is called on apps. */
export const mirroredName = (name: string, from: ClusterName) => `${name}-${from}`
