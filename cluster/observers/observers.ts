import type { Observer } from '../observe.ts'
import { observeAddresses } from './addresses.ts'
import { observeMeshRequests } from './mesh-requests.ts'
import { observeProxyCertificates } from './proxy-certificates.ts'
import { observeReachability } from './reachability.ts'

/** Every observer by the name that its source carries. */
export const observers: Readonly<Record<string, Observer>> = {
  addresses: observeAddresses,
  'mesh-requests': observeMeshRequests,
  'proxy-certificates': observeProxyCertificates,
  reachability: observeReachability,
}
