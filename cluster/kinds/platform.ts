import { z } from 'zod'
import { conditioned, kind } from './object.ts'

const cilium = { group: 'cilium.io', version: 'v2' }

export const ciliumNodes = kind(
  { ...cilium, plural: 'ciliumnodes', kind: 'CiliumNode' },
  {
    spec: z.object({
      addresses: z.array(z.object({ type: z.string(), ip: z.string() })).default([]),
      ipam: z.object({ podCIDRs: z.array(z.string()).default([]) }).default({ podCIDRs: [] }),
    }),
  },
)

export const ciliumEndpoints = kind(
  { ...cilium, plural: 'ciliumendpoints', kind: 'CiliumEndpoint' },
  {
    status: z
      .object({
        state: z.string().default(''),
        identity: z.object({ labels: z.array(z.string()).default([]) }).optional(),
        networking: z
          .object({
            addressing: z.array(z.object({ ipv4: z.string().optional() })).default([]),
            node: z.string().optional(),
          })
          .optional(),
      })
      .default({ state: '' }),
  },
)

export const loadBalancerPools = kind(
  {
    group: 'cilium.io',
    version: ['v2', 'v2alpha1'],
    plural: 'ciliumloadbalancerippools',
    kind: 'CiliumLoadBalancerIPPool',
  },
  {
    spec: z.object({
      blocks: z
        .array(z.object({ start: z.string().optional(), stop: z.string().optional(), cidr: z.string().optional() }))
        .default([]),
      disabled: z.boolean().default(false),
      serviceSelector: z.unknown().optional(),
    }),
    status: conditioned.default({ conditions: [] }),
  },
)

export const bgpNodeConfigs = kind(
  { group: 'cilium.io', version: ['v2', 'v2alpha1'], plural: 'ciliumbgpnodeconfigs', kind: 'CiliumBGPNodeConfig' },
  {
    status: z
      .object({
        bgpInstances: z
          .array(
            z.object({
              name: z.string(),
              localASN: z.number().optional(),
              peers: z
                .array(
                  z.object({
                    name: z.string(),
                    peerAddress: z.string().default(''),
                    peerASN: z.number().optional(),
                    peeringState: z.string().default(''),
                    establishedTime: z.string().optional(),
                    routeCount: z.array(z.object({ advertised: z.number().default(0) })).default([]),
                  }),
                )
                .default([]),
            }),
          )
          .default([]),
      })
      .default({ bgpInstances: [] }),
  },
)

export const ciliumNetworkPolicies = kind(
  { ...cilium, plural: 'ciliumnetworkpolicies', kind: 'CiliumNetworkPolicy' },
  {},
)
export const ciliumClusterwideNetworkPolicies = kind(
  { ...cilium, plural: 'ciliumclusterwidenetworkpolicies', kind: 'CiliumClusterwideNetworkPolicy' },
  { spec: z.object({ endpointSelector: z.unknown().optional() }).optional() },
)

const gateway = { group: 'gateway.networking.k8s.io', version: ['v1', 'v1beta1'] }

export const gatewayClasses = kind(
  { ...gateway, plural: 'gatewayclasses', kind: 'GatewayClass' },
  { spec: z.object({ controllerName: z.string() }), status: conditioned.default({ conditions: [] }) },
)

export const gateways = kind(
  { ...gateway, plural: 'gateways', kind: 'Gateway' },
  {
    spec: z.object({ gatewayClassName: z.string() }),
    status: conditioned
      .extend({
        addresses: z.array(z.object({ value: z.string() })).default([]),
        listeners: z.array(z.object({ name: z.string(), attachedRoutes: z.number().default(0) })).default([]),
      })
      .default({ conditions: [], addresses: [], listeners: [] }),
  },
)

export const httpRoutes = kind(
  { ...gateway, plural: 'httproutes', kind: 'HTTPRoute' },
  {
    spec: z
      .object({
        parentRefs: z.array(z.object({ kind: z.string().default('Gateway'), name: z.string() })).default([]),
        rules: z
          .array(
            z.object({
              backendRefs: z.array(z.object({ name: z.string(), weight: z.number().default(1) })).default([]),
            }),
          )
          .default([]),
      })
      .default({ parentRefs: [], rules: [] }),
    status: z
      .object({
        parents: z
          .array(
            z.object({
              controllerName: z.string(),
              parentRef: z.object({ kind: z.string().default('Gateway'), name: z.string() }),
              conditions: conditioned.shape.conditions,
            }),
          )
          .default([]),
      })
      .default({ parents: [] }),
  },
)

export const links = kind(
  { group: 'multicluster.linkerd.io', version: ['v1alpha3', 'v1alpha2'], plural: 'links', kind: 'Link' },
  {
    spec: z.object({
      targetClusterName: z.string(),
      gatewayAddress: z.string().default(''),
      gatewayPort: z.string().optional(),
      gatewayIdentity: z.string().optional(),
      clusterCredentialsSecret: z.string().optional(),
    }),
    status: z
      .object({
        mirrorServices: z
          .array(
            z.object({
              remoteRef: z.object({ name: z.string(), namespace: z.string() }),
              conditions: conditioned.shape.conditions,
            }),
          )
          .default([]),
      })
      .default({ mirrorServices: [] }),
  },
)

const victoria = { group: 'operator.victoriametrics.com', version: 'v1beta1' }
const victoriaStatus = z
  .object({ updateStatus: z.string().optional(), observedGeneration: z.number().optional() })
  .default({})
export const metricsClusters = kind(
  { ...victoria, plural: 'vmclusters', kind: 'VMCluster' },
  { status: victoriaStatus },
)
export const metricsSingles = kind({ ...victoria, plural: 'vmsingles', kind: 'VMSingle' }, { status: victoriaStatus })
export const metricsAgents = kind(
  { ...victoria, plural: 'vmagents', kind: 'VMAgent' },
  {
    spec: z.object({
      remoteWrite: z.array(z.object({ url: z.string() })).default([]),
      externalLabels: z.record(z.string(), z.string()).default({}),
    }),
    status: victoriaStatus,
  },
)
export const alertmanagers = kind(
  { ...victoria, plural: 'vmalertmanagers', kind: 'VMAlertmanager' },
  { status: victoriaStatus },
)

const suspendable = { suspend: z.boolean().default(false) }
const revision = { lastAppliedRevision: z.string().optional(), lastAttemptedRevision: z.string().optional() }
export const kustomizations = kind(
  { group: 'kustomize.toolkit.fluxcd.io', version: 'v1', plural: 'kustomizations', kind: 'Kustomization' },
  {
    spec: z.object({ ...suspendable, path: z.string().default('') }),
    status: conditioned.extend(revision).default({ conditions: [] }),
  },
)
export const gitRepositories = kind(
  { group: 'source.toolkit.fluxcd.io', version: 'v1', plural: 'gitrepositories', kind: 'GitRepository' },
  {
    spec: z.object(suspendable),
    status: conditioned.extend({ artifact: z.object({ revision: z.string() }).optional() }).default({ conditions: [] }),
  },
)
export const helmReleases = kind(
  { group: 'helm.toolkit.fluxcd.io', version: ['v2', 'v2beta2'], plural: 'helmreleases', kind: 'HelmRelease' },
  { spec: z.object(suspendable), status: conditioned.extend(revision).default({ conditions: [] }) },
)
export const helmRepositories = kind(
  { group: 'source.toolkit.fluxcd.io', version: 'v1', plural: 'helmrepositories', kind: 'HelmRepository' },
  { spec: z.object({ ...suspendable, type: z.string().optional() }), status: conditioned.default({ conditions: [] }) },
)
