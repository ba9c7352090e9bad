import { check } from '../check/check.ts'
import type { ProxyCertificate } from '../cluster/kinds/observations.ts'
import { proxyCertificates } from '../cluster/kinds/observations.ts'

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
