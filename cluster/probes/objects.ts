import type { ClusterName } from '../../platform/platform.ts'

/** Where probes live, on both clusters. One run at a time holds it: creating the namespace is taking it. */
export const probeNamespace = 'conformance-probes'
const managedBy = { 'app.kubernetes.io/managed-by': 'conformance' }
export const probePort = 8080
export const leaseName = 'run'

/** Whatever becomes of the run, its pods end by then. */
export const lifetimeSeconds = 900

/**
 * `guarded`: meshed, and its proxy takes nothing from outside the mesh. `restricted`: meshed, and there for policies that
 * name who may come in.
 */
export type ProbeRole = 'meshed' | 'plain' | 'guarded' | 'restricted'
export type ProbePod = { name: string; role: ProbeRole; node: string }

export type RunIdentity = { id: string; holder: string; startedAt: Date }

/** Injected pods get an init container that sets the pod's firewall, which no stricter level admits. */
export const namespaceObject = ({ id, startedAt }: RunIdentity) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: probeNamespace,
    labels: {
      ...managedBy,
      'conformance/run': id,
      'pod-security.kubernetes.io/enforce': 'privileged',
      'pod-security.kubernetes.io/warn': 'restricted',
    },
    annotations: {
      'conformance/expires': new Date(startedAt.getTime() + lifetimeSeconds * 1_000).toISOString(),
      'conformance/what': 'probe pods of a conformance run; removed at its end, by the next run, or by pnpm sweep',
    },
  },
})

export const leaseObject = ({ id, holder, startedAt }: RunIdentity, renewedAt: Date) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: leaseName, namespace: probeNamespace, labels: { ...managedBy, 'conformance/run': id } },
  spec: {
    holderIdentity: holder,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: microTime(startedAt),
    renewTime: microTime(renewedAt),
  },
})
export const leaseSeconds = 40

/** Kubernetes wants six digits after the second. */
const microTime = (date: Date) => date.toISOString().replace('Z', '000Z')

/** Everything else of a run belongs to this one, so that one deletion takes all of it. */
export const ownerObject = ({ id, holder, startedAt }: RunIdentity) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: leaseName, namespace: probeNamespace, labels: { ...managedBy, 'conformance/run': id } },
  data: { holder, startedAt: startedAt.toISOString() },
})

export type Owner = { id: string; uid: string }

export const metadataOf = ({ id, uid }: Owner, name: string, labels: Record<string, string> = {}) => ({
  name,
  namespace: probeNamespace,
  labels: { ...managedBy, 'conformance/run': id, ...labels },
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: leaseName, uid }],
})

const annotationsOf = (role: ProbeRole): Record<string, string> => ({
  'linkerd.io/inject': role === 'plain' ? 'disabled' : 'enabled',
  ...(role === 'guarded' ? { 'config.linkerd.io/default-inbound-policy': 'all-authenticated' } : {}),
})

export const podObject = ({ name, role, node }: ProbePod, image: string, owner: Owner) => {
  const metadata = metadataOf(owner, name, { app: role })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, annotations: annotationsOf(role) },
    spec: {
      nodeName: node,
      restartPolicy: 'Never',
      activeDeadlineSeconds: lifetimeSeconds,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65_532,
        runAsGroup: 65_532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
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
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  }
}

export const serviceObject = (name: string, role: ProbeRole, owner: Owner, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(owner, name, labels),
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
