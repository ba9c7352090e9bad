/** A namespace that the suite makes for a while and takes away again. One run at a time holds it. */
export type OwnNamespace = {
  name: string
  /** What a person reads who finds it. */
  what: string
  /** Whatever becomes of the run, its pods end by then. */
  lifetimeSeconds: number
}

export const probes: OwnNamespace = {
  name: 'conformance-probes',
  what: 'probe pods of a conformance run; removed at its end, by the next run, or by pnpm sweep',
  lifetimeSeconds: 900,
}

export const loads: OwnNamespace = {
  name: 'conformance-load',
  what: 'servers and load generators of a load test; removed at its end, by the next one, or by pnpm sweep',
  lifetimeSeconds: 7_200,
}

/** Everything that `pnpm sweep` looks after. */
export const ownNamespaces: readonly OwnNamespace[] = [probes, loads]

export const managedByLabel = 'app.kubernetes.io/managed-by'
export const manager = 'conformance'
export const runLabel = 'conformance/run'
const managedBy = { [managedByLabel]: manager }

export const leaseName = 'run'
export const leaseSeconds = 40

export type RunIdentity = { id: string; holder: string; startedAt: Date }
/** The object that owns everything of a run in one cluster. */
export type Owner = { id: string; uid: string }

/** Injected pods get an init container that sets the pod's firewall, which no stricter level admits. */
export const namespaceObject = (own: OwnNamespace, { id, startedAt }: RunIdentity) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: own.name,
    labels: {
      ...managedBy,
      [runLabel]: id,
      'pod-security.kubernetes.io/enforce': 'privileged',
      'pod-security.kubernetes.io/warn': 'restricted',
    },
    annotations: {
      'conformance/expires': new Date(startedAt.getTime() + own.lifetimeSeconds * 1_000).toISOString(),
      'conformance/what': own.what,
    },
  },
})

export const leaseObject = (own: OwnNamespace, { id, holder, startedAt }: RunIdentity, renewedAt: Date) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: leaseName, namespace: own.name, labels: { ...managedBy, [runLabel]: id } },
  spec: {
    holderIdentity: holder,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: microTime(startedAt),
    renewTime: microTime(renewedAt),
  },
})

/** Kubernetes wants six digits after the second. */
const microTime = (date: Date) => date.toISOString().replace('Z', '000Z')

/** Everything else of a run belongs to this one, so that one deletion takes all of it. */
export const ownerObject = (own: OwnNamespace, { id, holder, startedAt }: RunIdentity) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: leaseName, namespace: own.name, labels: { ...managedBy, [runLabel]: id } },
  data: { holder, startedAt: startedAt.toISOString() },
})

export const ownedMetadata = (
  own: OwnNamespace,
  { id, uid }: Owner,
  name: string,
  labels: Record<string, string> = {},
) => ({
  name,
  namespace: own.name,
  labels: { ...managedBy, [runLabel]: id, ...labels },
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: leaseName, uid }],
})

/** What every pod of ours keeps to, so that a namespace could enforce `restricted` but for the mesh. */
export const restrictedPod = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  terminationGracePeriodSeconds: 1,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65_532,
    runAsGroup: 65_532,
    seccompProfile: { type: 'RuntimeDefault' },
  },
}
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}
