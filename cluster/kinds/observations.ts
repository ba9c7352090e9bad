import { z } from 'zod'
import type { Observation, Source } from '../../check/source.ts'
import { nodes, pods, services } from './core.ts'
import { metadata } from './object.ts'
import { linkerdConfig, rootCA, trustRoots } from './documents.ts'

/** A source whose items an observer finds out. */
export function observation<T>(
  id: string,
  what: string,
  schema: z.ZodType<T>,
  from: Omit<Observation, 'type' | 'observer'>,
): Source<T> {
  return { id, what, schema, from: { type: 'observation', observer: id, ...from } }
}

const certificate = z.object({
  /** The single DNS name: `<account>.<namespace>.serviceaccount.identity.linkerd.<trust domain>`. */
  names: z.array(z.string()),
  notBefore: z.string(),
  notAfter: z.string(),
  /** SHA-256 of the certificate, and of the one that issued it, as the proxy served them. */
  fingerprint: z.string(),
  issuer: z.string().optional(),
  /** Why the chain does not lead to a trust anchor of this cluster; absent when it does. */
  untrusted: z.string().optional(),
})

/** The certificate that the proxy of a meshed pod presents on its admin port. */
export const proxyCertificates = observation(
  'proxy-certificates',
  'certificates of proxies',
  z.object({
    kind: z.literal('Pod'),
    metadata,
    /** The identity that account and namespace of the pod call for. */
    identity: z.string(),
    certificate: certificate.optional(),
    /** Why there is none. */
    failure: z.string().optional(),
  }),
  { method: 'port-forward', needsProbes: false, needs: [pods, trustRoots, linkerdConfig] },
)
export type ProxyCertificate = z.infer<NonNullable<typeof proxyCertificates.schema>>

/**
 * How a request of a probe ended. Only `answered` with the right answer is a success; `unknown` says that the probe
 * itself could not be asked, so that nothing is known of the way, and the whole observation counts as not made.
 */
export const attempt = z.object({
  outcome: z.enum([
    'answered',
    'wrong answer',
    'no name',
    'no route',
    'refused',
    'closed',
    'too slow',
    'failed',
    'unknown',
  ]),
  detail: z.string(),
})
export type Attempt = z.infer<typeof attempt>

/** One request from a probe pod to something that has to be reachable. */
export const reachability = observation(
  'reachability',
  'requests between probes',
  z.object({
    /** For example `infra-01 to pod on infra-02`. */
    metadata: z.object({ name: z.string() }),
    from: z.object({ pod: z.string(), node: z.string() }),
    to: z.object({
      what: z.enum(['pod', 'service address', 'service name', 'gateway']),
      name: z.string(),
      node: z.string().optional(),
    }),
    attempt,
  }),
  { method: 'exec', needsProbes: true, needs: [nodes] },
)

/** A request into the mesh by one of three ways, and as whom the mesh let it in. */
export const meshRequests = observation(
  'mesh-requests',
  'requests into the mesh',
  z.object({
    metadata: z.object({ name: z.string() }),
    /** `mesh`: from one meshed probe to another. `calibration`: the same, to the guarded one. `stranger`: from outside the mesh to the guarded one. */
    what: z.enum(['mesh', 'calibration', 'stranger']),
    attempt,
    /** The identity under which the proxy of the target let the request in, as it told the target; empty for plain text. */
    clientIdentity: z.string(),
    /** The one it has to be. */
    expectedIdentity: z.string(),
  }),
  { method: 'exec', needsProbes: true, needs: [linkerdConfig] },
)

/** A connection from a probe to a documented address or name. */
export const addressRequests = observation(
  'addresses',
  'connections to documented addresses',
  z.object({
    metadata: z.object({ name: z.string() }),
    what: z.enum(['node', 'endpoint', 'load balancer']),
    attempt,
  }),
  { method: 'exec', needsProbes: true, needs: [nodes, services] },
)

/** The documented name of the API of the cluster, as an unmeshed probe of the same cluster finds it. */
export const apiEndpoints = observation(
  'api-endpoints',
  'answers of the API at its documented name',
  z.object({
    metadata: z.object({ name: z.string() }),
    /** What the DNS of the cluster answered. */
    addresses: z.array(z.string()),
    /** Of the answer, over TLS that was verified against the authority of the cluster. */
    status: z.number().optional(),
    /** Why there was none. */
    failure: z.string().optional(),
  }),
  { method: 'exec', needsProbes: true, needs: [services, rootCA] },
)
export type APIEndpoint = z.infer<typeof apiEndpoints.schema>

/** Requests from a meshed probe of each node to a Service of the run that asks for near endpoints, one on every node. */
export const nearRequests = observation(
  'near-requests',
  'requests to a Service that prefers near endpoints',
  z.object({
    /** `meshed probe on infra-01`. */
    metadata: z.object({ name: z.string() }),
    /** Of the node of the probe; absent where it has none. */
    zone: z.string().optional(),
    /** Whether every endpoint of the Service got a hint for zones. */
    hinted: z.boolean(),
    /** From which zones the answers came. */
    answers: z.array(z.object({ zone: z.string(), requests: z.number() })),
    /** To which zones the proxy of the probe counted its requests. */
    counted: z.array(z.object({ zone: z.string(), requests: z.number() })),
  }),
  { method: 'promql', needsProbes: true, needs: [nodes] },
)
export type NearRequest = z.infer<typeof nearRequests.schema>

/** A request to a pod under a policy of the run that names one identity: another one, then that of the client. */
export const policyRequests = observation(
  'policy-requests',
  'requests under a policy',
  z.object({
    metadata: z.object({ name: z.enum(['wrong identity', 'right identity']) }),
    /** The identity that the policy named. */
    allowed: z.string(),
    /** That of the client. */
    client: z.string(),
    attempt,
    /** How many requests of the client the proxy of the pod says that it denied. */
    denied: z.number(),
  }),
  { method: 'exec', needsProbes: true, needs: [linkerdConfig] },
)
export type PolicyRequest = z.infer<typeof policyRequests.schema>
