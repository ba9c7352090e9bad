import { z } from 'zod'
import { conditioned, kind } from './object.ts'

const quantities = z.record(z.string(), z.string()).default({})

export const container = z.object({
  name: z.string(),
  image: z.string().default(''),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  restartPolicy: z.string().optional(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  ports: z
    .array(z.object({ name: z.string().optional(), containerPort: z.number(), hostPort: z.number().optional() }))
    .default([]),
  resources: z.object({ requests: quantities, limits: quantities }).partial().default({}),
})
export type Container = z.infer<typeof container>

const podSpec = z.object({
  nodeName: z.string().optional(),
  serviceAccountName: z.string().default('default'),
  hostNetwork: z.boolean().default(false),
  containers: z.array(container).min(1),
  initContainers: z.array(container).default([]),
  overhead: quantities.optional(),
  tolerations: z
    .array(
      z.object({ key: z.string().optional(), effect: z.string().optional(), tolerationSeconds: z.number().optional() }),
    )
    .default([]),
})

const containerStatus = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
})

export const pods = kind(
  { group: '', version: 'v1', plural: 'pods', kind: 'Pod' },
  {
    spec: podSpec,
    status: conditioned.extend({
      phase: z.string().default(''),
      podIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).default([]),
      hostIP: z.string().optional(),
      containerStatuses: z.array(containerStatus).default([]),
      initContainerStatuses: z.array(containerStatus).default([]),
    }),
  },
)
export type Pod = z.infer<typeof pods.schema>

export const nodes = kind(
  { group: '', version: 'v1', plural: 'nodes', kind: 'Node' },
  {
    spec: z.object({
      podCIDR: z.string().optional(),
      podCIDRs: z.array(z.string()).default([]),
      unschedulable: z.boolean().default(false),
      taints: z.array(z.object({ key: z.string(), effect: z.string(), value: z.string().optional() })).default([]),
    }),
    status: conditioned.extend({
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
      capacity: quantities,
      allocatable: quantities,
      nodeInfo: z.object({
        osImage: z.string(),
        kubeletVersion: z.string(),
        kernelVersion: z.string(),
        containerRuntimeVersion: z.string(),
      }),
    }),
  },
)
export type Node = z.infer<typeof nodes.schema>

export const services = kind(
  { group: '', version: 'v1', plural: 'services', kind: 'Service' },
  {
    spec: z.object({
      type: z.string().default('ClusterIP'),
      clusterIP: z.string().optional(),
      clusterIPs: z.array(z.string()).default([]),
      selector: z.record(z.string(), z.string()).default({}),
      loadBalancerClass: z.string().optional(),
      trafficDistribution: z.string().optional(),
      externalIPs: z.array(z.string()).default([]),
      ports: z
        .array(z.object({ name: z.string().optional(), port: z.number(), protocol: z.string().default('TCP') }))
        .default([]),
    }),
    status: conditioned.extend({
      loadBalancer: z
        .object({ ingress: z.array(z.object({ ip: z.string().optional() })).default([]) })
        .default({ ingress: [] }),
    }),
  },
)

const zoneHints = z.object({ forZones: z.array(z.object({ name: z.string() })).nullish() })

export const endpointSlices = kind(
  { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice' },
  {
    endpoints: z
      .array(
        z.object({
          conditions: z.object({ ready: z.boolean().nullish() }).default({}),
          zone: z.string().optional(),
          hints: zoneHints.nullish(),
        }),
      )
      .nullish(),
  },
)
export type EndpointSlice = z.infer<typeof endpointSlices.schema>

export const namespaces = kind({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' }, {})

const template = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }).default({ annotations: {} }),
  spec: podSpec,
})
const workloadSpec = { replicas: z.number().default(1), template }

export const deployments = kind(
  { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' },
  {
    spec: z.object(workloadSpec),
    status: conditioned.extend({
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
    }),
  },
)
export type Deployment = z.infer<typeof deployments.schema>

export const statefulSets = kind(
  { group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet' },
  {
    spec: z.object(workloadSpec),
    status: conditioned.extend({
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
    }),
  },
)
export type StatefulSet = z.infer<typeof statefulSets.schema>

export const daemonSets = kind(
  { group: 'apps', version: 'v1', plural: 'daemonsets', kind: 'DaemonSet' },
  {
    spec: z.object({ template }),
    status: conditioned.extend({
      desiredNumberScheduled: z.number(),
      updatedNumberScheduled: z.number().default(0),
      numberReady: z.number(),
    }),
  },
)
export type DaemonSet = z.infer<typeof daemonSets.schema>

export const leases = kind(
  { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' },
  {
    spec: z.object({
      holderIdentity: z.string().optional(),
      leaseDurationSeconds: z.number().optional(),
      renewTime: z.string().optional(),
    }),
  },
)

export const serviceCIDRs = kind(
  { group: 'networking.k8s.io', version: ['v1', 'v1beta1'], plural: 'servicecidrs', kind: 'ServiceCIDR' },
  { spec: z.object({ cidrs: z.array(z.string()) }) },
)

export const ingresses = kind({ group: 'networking.k8s.io', version: 'v1', plural: 'ingresses', kind: 'Ingress' }, {})

export const networkPolicies = kind(
  { group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies', kind: 'NetworkPolicy' },
  {},
)

export const mutatingWebhooks = kind(
  {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: 'mutatingwebhookconfigurations',
    kind: 'MutatingWebhookConfiguration',
  },
  {
    webhooks: z
      .array(
        z.object({
          name: z.string(),
          failurePolicy: z.string().optional(),
          clientConfig: z.object({
            caBundle: z.string().optional(),
            service: z.object({ name: z.string(), namespace: z.string() }).optional(),
          }),
        }),
      )
      .default([]),
  },
)

export const apiServices = kind(
  { group: 'apiregistration.k8s.io', version: 'v1', plural: 'apiservices', kind: 'APIService' },
  { status: conditioned },
)

export const customResourceDefinitions = kind(
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
  },
  { spec: z.object({ group: z.string(), names: z.object({ kind: z.string() }) }), status: conditioned },
)

export const podMetrics = kind(
  { group: 'metrics.k8s.io', version: 'v1beta1', plural: 'pods', kind: 'PodMetrics' },
  { containers: z.array(z.object({ name: z.string(), usage: z.record(z.string(), z.string()) })) },
)
export type PodMetrics = z.infer<typeof podMetrics.schema>
