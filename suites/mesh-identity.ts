import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import type { ProxyCertificate } from '../cluster/kinds/observations.ts'
import { meshRequests, proxyCertificates } from '../cluster/kinds/observations.ts'

const hourMs = 3_600_000
/** Linkerd adds its allowance for skewed clocks, 20 s, at both ends; certificates are written in whole seconds. */
const allowanceMs = 41_000
/** A proxy renews when 70 % of the lifetime are over: a healthy certificate always has more than this left. */
const leastLeft = 0.25

const reasonOf = ({ certificate, failure }: ProxyCertificate) => failure ?? (certificate ? undefined : 'presented none')

const common = {
  reads: { certificates: proxyCertificates },
  population: 'proxies of running pods',
  atLeast: 10,
  because: 'the control plane and its extensions alone have that many',
  subjects: (read: { certificates: ProxyCertificate[] }) => read.certificates,
}

export const certificatesOfOwnIdentity = check({
  ...common,
  claim: 'MESH-02',
  fact: 'every proxy presents a certificate for the identity of its own pod, issued under the trust anchor of its cluster',
  expected: 'the account and namespace of the pod as only name, a chain to the trust anchor',
  holds: (proxy) => {
    const { certificate, identity } = proxy
    if (!certificate) return `has no certificate: ${reasonOf(proxy)}`
    if (certificate.names.join() !== identity) return `presents ${certificate.names.join(', ')}, not ${identity}`
    return certificate.untrusted === undefined || `presents a certificate that is not trusted: ${certificate.untrusted}`
  },
})

export const certificatesLiveAsLongAsDocumented = check({
  ...common,
  claim: 'MESH-05',
  fact: 'every proxy has a certificate of the documented lifetime that is valid and was renewed in time',
  expected: ({ figures }) =>
    `valid now, for ${figures.mesh.leafLifetime.hours} h in all, at least a quarter of it left`,
  holds: (proxy, { figures, now }) => {
    const { certificate } = proxy
    if (!certificate) return `has no certificate: ${reasonOf(proxy)}`
    const [from, to] = [Date.parse(certificate.notBefore), Date.parse(certificate.notAfter)]
    if (to < now.getTime()) return `has a certificate that expired at ${certificate.notAfter}`
    if (from > now.getTime()) return `has a certificate that is not valid before ${certificate.notBefore}`
    const documented = figures.mesh.leafLifetime.hours * hourMs
    if (to - from > documented + allowanceMs || to - from < documented - hourMs)
      return `has a certificate for ${((to - from) / hourMs).toFixed(1)} h`
    return (
      to - now.getTime() > documented * leastLeft ||
      `has only ${((to - now.getTime()) / hourMs).toFixed(1)} h left: it should have been renewed`
    )
  },
})

export const newWorkloadsAreMeshed = check({
  claim: 'MESH-03',
  fact: 'a new pod that only asks to be meshed is let in by others under the identity of its account',
  reads: { requests: meshRequests },
  population: 'requests between new pods of the mesh',
  atLeast: ({ documented }) => documented.nodes.length,
  because: 'one new pod on every node',
  expected: 'an answer, with the identity of the client as the proxy of the target saw it',
  subjects: (read) => read.requests.filter(({ what }) => what === 'mesh'),
  name: ({ metadata }) => ({ subject: metadata.name, look: 'get pods -A -o wide' }),
  holds: ({ attempt, clientIdentity, expectedIdentity }) => {
    if (attempt.outcome !== 'answered') return `${attempt.outcome}: ${attempt.detail}`
    if (clientIdentity === expectedIdentity) return true
    return clientIdentity === '' ? 'came in as plain text' : `came in as ${clientIdentity}, not as ${expectedIdentity}`
  },
})

/** Proved with a pod whose proxy asks for it: what a stranger gets where a policy wants the mesh. */
export const strangersAreRefused = absent({
  claim: 'MESH-02',
  fact: 'a request from outside the mesh does not get in where only the mesh may, and what it says of itself is not believed',
  reads: { requests: meshRequests },
  population: 'requests from outside the mesh to a guarded pod',
  atLeast: 1,
  expected: 'refused by the proxy; the same request from the mesh is answered',
  // One that got lost on the way tells nothing of a refusal.
  subjects: (read) =>
    read.requests.filter(
      ({ what, attempt }) => what === 'stranger' && ['answered', 'refused', 'closed'].includes(attempt.outcome),
    ),
  name: ({ metadata }) => ({ subject: metadata.name, look: 'get pods -A -o wide' }),
  detector: ({ attempt, clientIdentity }) => {
    if (attempt.outcome === 'answered') return `got an answer${clientIdentity === '' ? '' : ` as ${clientIdentity}`}`
    return attempt.outcome === 'refused' || attempt.outcome === 'closed'
      ? undefined
      : `${attempt.outcome}: ${attempt.detail}`
  },
  // A detector that sees no answer where the mesh gets one would see none anywhere.
  calibrate: (read) => read.requests.filter(({ what }) => what === 'calibration'),
})
