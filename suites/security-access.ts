import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import { daemonSets, deployments, nodes, services, statefulSets } from '../cluster/kinds/core.ts'
import type { Certificate } from '../cluster/kinds/security.ts'
import { certificates, clusterIssuers } from '../cluster/kinds/security.ts'
import type { Names } from '../platform/platform.ts'
import { contains } from './addresses.ts'
import { ageMs, hourMs, inWords } from './ages.ts'
import { conditionIs, expectedObjects, missing, nameOfExpected } from './objects.ts'
import { componentHealth } from './workloads.ts'

/** The directory of Let's Encrypt whose certificates are trusted; that of its staging differs by the host. */
const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory'

export const issuerOfLetsEncrypt = check({
  claim: 'SEC-02',
  fact: "the documented issuer has an account with Let's Encrypt",
  reads: { issuers: required(clusterIssuers) },
  population: 'documented ClusterIssuers',
  atLeast: 1,
  expected: `ACME at ${letsEncrypt}, Ready`,
  // The first one issues; the other is for trying out.
  subjects: (read, { names }) =>
    expectedObjects('ClusterIssuer', undefined, names.customResources.clusterIssuers.names.slice(0, 1), read.issuers),
  name: nameOfExpected,
  holds: ({ found }) => {
    if (!found) return missing
    const { acme } = found.spec
    if (acme?.server !== letsEncrypt) return acme === undefined ? 'is no ACME issuer' : `is at ${acme.server}`
    return conditionIs(found, 'Ready')
  },
})

/** Whether a certificate has a name that somebody outside the cluster could ask for. */
const isPublic = ({ spec }: Certificate, { network }: Names): boolean =>
  spec.dnsNames.some(
    (name) =>
      name.includes('.') &&
      !/\.svc$|\.svc\.|\.serviceaccount\.identity\./.test(name) &&
      !name.endsWith(`.${network.clusterDomain.name}`),
  )

/** After its time for renewal cert-manager tries for so long before anybody should look. */
const renewalGraceMs = 24 * hourMs

export const publicCertificates = check({
  claim: 'SEC-02',
  fact: "every certificate with a public name is valid, renewed in time, and from Let's Encrypt",
  reads: { certificates: required(certificates), issuers: required(clusterIssuers) },
  population: 'Certificates with a public name',
  atLeast: 1,
  because: 'the Gateway ends TLS',
  expected: "Ready, not expired, not overdue, of an issuer of Let's Encrypt that is not its staging",
  subjects: (read, { names }) => read.certificates.filter((certificate) => isPublic(certificate, names)),
  holds: (certificate, { now }, { issuers }) => {
    const { issuerRef } = certificate.spec
    const issuer =
      issuerRef.kind === 'ClusterIssuer' ? issuers.find(({ metadata }) => metadata.name === issuerRef.name) : undefined
    if (!issuer) return `is of ${issuerRef.kind} ${issuerRef.name}, which is no ClusterIssuer here`
    if (issuer.spec.acme?.server !== letsEncrypt)
      return `is of ${issuerRef.name}, at ${issuer.spec.acme?.server ?? 'no ACME server'}`
    const ready = conditionIs(certificate, 'Ready')
    if (ready !== true) return ready
    const { notAfter, renewalTime, failedIssuanceAttempts } = certificate.status
    const [expired, overdue] = [ageMs(notAfter, now), ageMs(renewalTime, now)]
    if (expired === undefined || overdue === undefined) return 'does not say when it expires and is renewed'
    if (expired >= 0) return `expired ${inWords(expired)} ago`
    if (overdue > renewalGraceMs) return `should have been renewed ${inWords(overdue)} ago`
    return failedIssuanceAttempts === 0 || `could not be renewed ${failedIssuanceAttempts} times`
  },
})

export const tunnelRuns = check({
  claim: 'SEC-03',
  on: 'infra',
  fact: 'the Cloudflare Tunnel is available on infra',
  reads: { deployments, statefulSets, daemonSets, nodes },
  population: 'components',
  atLeast: 1,
  expected: 'an available workload, found by its image',
  subjects: (_, { figures }) => figures.components.filter(({ id }) => id === 'cloudflare-tunnel'),
  name: ({ name }) => ({ subject: name, look: 'get deployments -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})

/** Addresses that no router of the Internet has a way to: private, shared (carrier-grade NAT), link-local. */
const unroutable = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]

const isUnroutable = (address: string) => unroutable.some((range) => contains(range, address))

/** Where something of a cluster can be reached from outside: Services with an address, and nodes. */
type Reachable = { kind: string; metadata: { name: string; namespace?: string | undefined }; addresses: string[] }

export const noPublicAddress = absent({
  claim: 'SEC-03',
  fact: 'no address of the cluster is one of the Internet',
  reads: { services, nodes },
  population: 'nodes and Services with an address outside the cluster',
  atLeast: ({ documented }) => documented.nodes.length + 1,
  because: 'the nodes, and the Gateway of the cluster',
  expected: 'private addresses',
  subjects: (read): Reachable[] =>
    read.services.length === 0
      ? []
      : [
          ...read.nodes.map(({ kind, metadata, status }) => ({
            kind,
            metadata,
            addresses: status.addresses.filter(({ type }) => type.endsWith('IP')).map(({ address }) => address),
          })),
          ...read.services
            .map(({ kind, metadata, spec, status }) => ({
              kind,
              metadata,
              addresses: [...spec.externalIPs, ...status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? [])],
            }))
            .filter(({ addresses }) => addresses.length > 0),
        ],
  detector: ({ addresses }) => {
    const open = addresses.filter((address) => !isUnroutable(address))
    return open.length === 0 ? undefined : `is at ${open.join(', ')}`
  },
  // One of the ranges for documentation, and one just outside a private range.
  calibrate: () =>
    ['203.0.113.10', '172.32.0.1', '2001:db8::1'].map((address) => ({
      kind: 'Service',
      metadata: { name: 'calibration' },
      addresses: [address],
    })),
})
