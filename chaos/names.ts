/** Where the Lease, the intents and the stop sign of chaos live, on each cluster. */
export const chaosNamespace = 'conformance-chaos'
/** Where the workloads live that a scenario brings. */
export const workloadNamespace = 'conformance-chaos-victims'
/** Everything that chaos makes carries it, with the id of its experiment; the sweep looks for nothing else. */
export const experimentLabel = 'conformance/chaos'
export const managedBy = { 'app.kubernetes.io/managed-by': 'conformance' } as const
export const leaseName = 'experiment'
/** A ConfigMap of this name stops everything and keeps new experiments away until it is deleted. */
export const stopName = 'stop'
