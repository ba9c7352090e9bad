import { z } from 'zod'
import { kind } from './object.ts'

const group = 'policy.linkerd.io'

/** A selector; one that says nothing selects all. */
const selector = z.object({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
})
export type Selector = z.infer<typeof selector>

export const servers = kind(
  { group, version: ['v1beta3', 'v1beta2', 'v1beta1'], plural: 'servers', kind: 'Server' },
  {
    spec: z.object({
      /** Absent where it selects external workloads. */
      podSelector: selector.optional(),
      port: z.union([z.string(), z.number()]),
      /** What becomes of those whom no policy lets in. */
      accessPolicy: z.string().default('deny'),
    }),
  },
)
export type Server = z.infer<typeof servers.schema>

const reference = z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })
export type PolicyReference = z.infer<typeof reference>

export const authorizationPolicies = kind(
  { group, version: 'v1alpha1', plural: 'authorizationpolicies', kind: 'AuthorizationPolicy' },
  { spec: z.object({ targetRef: reference, requiredAuthenticationRefs: z.array(reference).default([]) }) },
)
export type AuthorizationPolicy = z.infer<typeof authorizationPolicies.schema>

export const meshAuthentications = kind(
  { group, version: 'v1alpha1', plural: 'meshtlsauthentications', kind: 'MeshTLSAuthentication' },
  { spec: z.object({ identities: z.array(z.string()).default([]), identityRefs: z.array(reference).default([]) }) },
)

export const networkAuthentications = kind(
  { group, version: 'v1alpha1', plural: 'networkauthentications', kind: 'NetworkAuthentication' },
  {},
)

export const trafficSplits = kind(
  {
    group: 'split.smi-spec.io',
    version: ['v1alpha2', 'v1alpha1', 'v1alpha3', 'v1alpha4'],
    plural: 'trafficsplits',
    kind: 'TrafficSplit',
  },
  {
    spec: z.object({
      service: z.string(),
      /** A weight is a number, or a quantity in the oldest version. */
      backends: z.array(z.object({ service: z.string(), weight: z.union([z.string(), z.number()]) })).default([]),
    }),
  },
)
