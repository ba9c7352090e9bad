import { X509Certificate } from 'node:crypto'
import { connect as tlsConnect } from 'node:tls'
import type { DetailedPeerCertificate } from 'node:tls'
import type { Duplex } from 'node:stream'
import pLimit from 'p-limit'
import pRetry from 'p-retry'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { codeOf, messageOf } from '../../check/error-message.ts'
import { forwardTo } from '../channels.ts'
import { TransportError } from '../connection.ts'
import type { Pod } from '../kinds/core.ts'
import { pods } from '../kinds/core.ts'
import { trustRoots } from '../kinds/documents.ts'
import type { Observer, Site } from '../observe.ts'
import { trustDomainOf } from './trust-domain.ts'

const adminPort = 4191
const proxyName = 'linkerd-proxy'
/** Handshakes under way at once. */
const atOnce = 8
const handshakeMs = 10_000
/** A connection that broke or hung says nothing of the proxy; it is made anew. */
const tries = 3

/**
 * Asks the proxy of every meshed pod for its certificate: TLS on the admin port, over a port-forward, with the identity
 * as server name. The chain is verified against the trust anchors of the cluster, not against what the pod says.
 */
export const observeProxyCertificates: Observer = async ({ here, deadline }) => {
  const anchors = here
    .list(trustRoots)
    .map(({ data }) => data['ca-bundle.crt'] ?? '')
    .join('\n')
  if (!anchors.includes('BEGIN CERTIFICATE')) throw new Error('the ConfigMap of the trust anchors holds no certificate')
  const domain = trustDomainOf(here)
  const limit = pLimit(atOnce)
  return Promise.all(
    here
      .list(pods)
      .filter(isMeshed)
      .map((pod) => limit(() => certificateOf(pod, here, { anchors, domain, deadline }))),
  )
}

const isMeshed = ({ metadata, spec, status }: Pod) =>
  status.phase === 'Running' &&
  metadata.deletionTimestamp === undefined &&
  [...spec.initContainers, ...spec.containers].some(({ name }) => name === proxyName)

type Asking = { anchors: string; domain: string; deadline: Deadline }

async function certificateOf(pod: Pod, { connection }: Site, { anchors, domain, deadline }: Asking): Promise<unknown> {
  const { name, namespace = '' } = pod.metadata
  const identity = `${pod.spec.serviceAccountName}.${namespace}.serviceaccount.identity.linkerd.${domain}`
  const subject = { kind: 'Pod', metadata: pod.metadata, identity }
  const ask = async () => {
    const own = deadlineIn(handshakeMs, deadline.signal)
    try {
      const stream = await forwardTo(connection, { namespace, pod: name }, adminPort, own)
      return { ...subject, certificate: await handshake(stream, identity, anchors) }
    } catch (error) {
      if (own.signal.aborted || isTransport(error))
        throw new TransportError(`${namespace}/${name}: ${messageOf(error)}`)
      return { ...subject, failure: failureOfHandshake(error) }
    }
  }
  return pRetry(ask, { retries: tries - 1, minTimeout: 200, signal: deadline.signal })
}

const isTransport = (error: unknown) =>
  error instanceof TransportError && !messageOf(error).includes('connection refused')

/** What went wrong, without OpenSSL's file names and numbers. */
export function failureOfHandshake(error: unknown): string {
  const code = codeOf(error) ?? ''
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'its admin port does not speak TLS'
  if (code === 'ECONNRESET')
    return 'its proxy closed the connection: it does not go by that identity, or is not certified yet'
  if (code.startsWith('ERR_SSL_'))
    return `the handshake failed: ${code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ')}`
  return messageOf(error)
}

/** Verification is told, not enforced: a certificate of a stranger has to be seen to be named. */
function handshake(stream: Duplex, identity: string, anchors: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      socket: stream,
      servername: identity,
      minVersion: 'TLSv1.3',
      ca: anchors,
      rejectUnauthorized: false,
    })
    const end = (finish: () => void) => {
      socket.destroy()
      stream.destroy()
      finish()
    }
    stream.once('error', (error) => end(() => reject(error)))
    stream.once('close', () => end(() => reject(new Error('the proxy closed the connection without a certificate'))))
    socket.once('error', (error) => end(() => reject(error)))
    socket.once('secureConnect', () => {
      const peer = socket.getPeerCertificate(true)
      const { authorized, authorizationError } = socket
      const described = describeCertificate(peer, authorized ? undefined : String(authorizationError))
      end(() => resolve(described))
    })
  })
}

function describeCertificate(peer: DetailedPeerCertificate, untrusted: string | undefined): unknown {
  const certificate = new X509Certificate(peer.raw)
  const issuer: DetailedPeerCertificate | undefined = peer.issuerCertificate
  return {
    names: (certificate.subjectAltName ?? '').split(', ').map((name) => name.replace(/^DNS:/, '')),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    fingerprint: certificate.fingerprint256,
    ...(issuer?.raw && issuer.fingerprint256 !== certificate.fingerprint256 ? { issuer: issuer.fingerprint256 } : {}),
    ...(untrusted === undefined ? {} : { untrusted }),
  }
}
