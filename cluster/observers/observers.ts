import type { Observer } from '../observe.ts'
import { observeProxyCertificates } from './proxy-certificates.ts'
import { observeReachability } from './reachability.ts'

/** Every observer by the name that its source carries. */
export const observers: Readonly<Record<string, Observer>> = {
  'proxy-certificates': observeProxyCertificates,
  reachability: observeReachability,
}
