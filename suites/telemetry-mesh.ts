import { check } from '../check/check.ts'
import type { Lists } from '../check/source.ts'
import { ownRequestMetrics } from '../cluster/kinds/telemetry.ts'

const enoughRequests = 10

type Ends = Lists<{ ends: typeof ownRequestMetrics }>['ends'][number]

/** The check that requests between meshed pods are mutual TLS, for each of the claims that say so, or would not be true without it. */
export const mutualTLS = (
  claim: string,
  fact = 'the proxies at both ends count requests between meshed pods as mutual TLS, with the identity of the other end',
) =>
  check({
    claim,
    fact,
    reads: { ends: ownRequestMetrics },
    population: 'ends of our own requests',
    atLeast: 2,
    because: 'the outbound one knows the server, the inbound one the client',
    expected: 'tls="true" and the identity of a probe, for each request that was sent',
    // Fewer requests would prove nothing of a rule that lets some pass.
    subjects: ({ ends }) => ends.filter(({ sent }) => sent >= enoughRequests),
    name: ({ metadata, pods }: Ends) => ({ subject: `${metadata.name} proxy of ${pods.join(', ')}` }),
    holds: ({ sent, secured, unsecured, peers }: Ends) =>
      secured >= sent ||
      `counted ${secured} of ${sent} requests as mutual TLS and ${unsecured} others; peers: ${peers.join(', ') || 'none'}`,
  })

export const ownRequestsAreMutualTLS = mutualTLS('MESH-02')

export const controlPlaneServesNewPods = mutualTLS(
  'MESH-01',
  'pods that were made just now were injected, certified and told where others are: their requests are mutual TLS',
)

export const newPodsAreSecured = mutualTLS(
  'MESH-03',
  'pods that were made just now with nothing but the annotation send and take requests by mutual TLS',
)
