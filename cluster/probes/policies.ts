import type { Owner } from '../own-objects.ts'
import { ownedMetadata, probes } from '../own-objects.ts'
import { probeNamespace } from './objects.ts'

const group = 'policy.linkerd.io'
const name = 'restricted'

const at = (version: string, plural: string) => `/apis/${group}/${version}/namespaces/${probeNamespace}/${plural}`

/** The policy of the restricted probe: nobody but this identity. In the order in which they refer to each other. */
export const policyObjects = (owner: Owner, identity: string) =>
  [
    {
      path: at('v1alpha1', 'meshtlsauthentications'),
      body: {
        apiVersion: `${group}/v1alpha1`,
        kind: 'MeshTLSAuthentication',
        metadata: ownedMetadata(probes, owner, name),
        spec: { identities: [identity] },
      },
    },
    {
      path: at('v1beta3', 'servers'),
      body: {
        apiVersion: `${group}/v1beta3`,
        kind: 'Server',
        metadata: ownedMetadata(probes, owner, name),
        spec: { podSelector: { matchLabels: { app: 'restricted' } }, port: 'http', proxyProtocol: 'HTTP/1' },
      },
    },
    {
      path: at('v1alpha1', 'authorizationpolicies'),
      body: {
        apiVersion: `${group}/v1alpha1`,
        kind: 'AuthorizationPolicy',
        metadata: ownedMetadata(probes, owner, name),
        spec: {
          targetRef: { group, kind: 'Server', name },
          requiredAuthenticationRefs: [{ group, kind: 'MeshTLSAuthentication', name }],
        },
      },
    },
  ] as const
