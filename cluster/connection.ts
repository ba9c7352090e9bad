import type { TLSSocket } from 'node:tls'
import { connect as tlsConnect } from 'node:tls'
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import pRetry, { AbortError } from 'p-retry'
import { Agent, buildConnector, request, WebSocket } from 'undici'
import type { Deadline } from '../check/deadline.ts'
import { codeOf, messageOf } from '../check/error-message.ts'

/** At most so many connections are kept to one API server; HTTP/2 makes one do for most runs. A fourth one looks at its certificate. */
const maxConnections = 3
const connectTimeoutMs = 5_000

export type Answer = { status: number; text: string }

/** What changes something on a cluster. Only probes use it, and only on what is their own. */
export type Change = { method: 'POST' | 'PATCH' | 'DELETE'; path: string; body?: unknown; type?: string }

/** A connection to the API server of one context. It judges nothing, and changes nothing by itself. */
export type Connection = {
  context: string
  /** The `server` of the kubeconfig. */
  server: string
  /** GETs a path. Answers with any HTTP status; throws only when no answer came (see `TransportError`). */
  get: (path: string, deadline: Deadline, accept?: string) => Promise<Answer>
  /** Sends one change. Nothing is sent twice: what broke on the way may have happened. */
  send: (change: Change, deadline: Deadline) => Promise<Answer>
  /** Opens a stream into a pod: exec, port-forward. Throws `TransportError` with the API server's own words on a refusal. */
  upgrade: (path: string, deadline: Deadline) => Promise<WebSocket>
  /** What the API server's certificate says, in OpenSSL's form. */
  certificate: () => Promise<ServerCertificate>
  close: () => Promise<void>
}

export type ServerCertificate = { subjectAltNames: string[]; issuer: string; validTo: string; authority: string }

/** No answer came: connection refused or reset, a time-out, a certificate that does not verify. */
export class TransportError extends Error {
  override name = 'TransportError'
}

const transient = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
])

/** Opens the context of a kubeconfig. Nothing is sent yet; bad references in the file throw with the name that is missing. */
export async function connect(kubeconfig: string, context: string): Promise<Connection> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  config.setCurrentContext(context)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error(`${kubeconfig}: context ${context} names a cluster that the file does not hold`)
  if (cluster.proxyUrl)
    throw new Error(
      `${kubeconfig}: context ${context} has a proxy-url, which is not supported; reach the API server directly`,
    )
  // Some platforms serve many API servers below paths of one address.
  const base = cluster.server.replace(/\/$/, '')
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const tls = tlsOptions(options, cluster.tlsServerName)
  const agent = new Agent({
    connections: maxConnections,
    pipelining: 1,
    connect: buildConnector({ ...tls, timeout: connectTimeoutMs, allowH2: true }),
    allowH2: true,
  })
  const headers = { ...plain(options.headers), 'user-agent': 'conformance' }
  // Streams need HTTP/1.1 and a connection each.
  const streams = new Agent({ connect: buildConnector({ ...tls, timeout: connectTimeoutMs, allowH2: false }) })
  return {
    context,
    server: cluster.server,
    get: (path, deadline, accept = 'application/json') =>
      get(new URL(`${base}${path}`), { agent, headers: { ...headers, accept }, deadline }),
    send: (change, deadline) => send(new URL(`${base}${change.path}`), change, { agent, headers, deadline }),
    upgrade: (path, deadline) => upgrade(new URL(`${base}${path}`), { agent: streams, headers, deadline }),
    certificate: () => presented(new URL(cluster.server), tls),
    close: async () => {
      await Promise.all([agent.destroy(), streams.destroy()])
    },
  }
}

function tlsOptions({ ca, cert, key, pfx, passphrase, rejectUnauthorized }: RequestOptions, servername?: string) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  }
}

function plain(headers: RequestOptions['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]))
}

type Sending = { agent: Agent; headers: Record<string, string>; deadline: Deadline }

/** One GET. Only what broke on the way is tried again, within the same deadline; an answer, whatever it says, is final. */
async function get(url: URL, { agent, headers, deadline }: Sending): Promise<Answer> {
  const once = async () => {
    try {
      const answer = await request(url, { dispatcher: agent, headers, signal: deadline.signal })
      return { status: answer.statusCode, text: await answer.body.text() }
    } catch (error) {
      const failure = new TransportError(explain(url, error, deadline))
      throw transient.has(codeOf(error) ?? '') ? failure : new AbortError(failure)
    }
  }
  return pRetry(once, { retries: 2, minTimeout: 200, signal: deadline.signal })
}

async function send(
  url: URL,
  { method, body, type = 'application/json' }: Change,
  { agent, headers, deadline }: Sending,
): Promise<Answer> {
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method,
      headers: { ...headers, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }) },
      signal: deadline.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  } catch (error) {
    throw new TransportError(explain(url, error, deadline))
  }
}

/** The versions of the stream protocol of exec and port-forward, newest first. */
const streamProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

async function upgrade(url: URL, { agent, headers, deadline }: Sending): Promise<WebSocket> {
  const address = new URL(url)
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(address, { protocols: streamProtocols, dispatcher: agent, headers })
  socket.binaryType = 'arraybuffer'
  const opened = await new Promise<boolean>((resolve) => {
    const done = (is: boolean) => () => resolve(is)
    socket.addEventListener('open', done(true), { once: true })
    socket.addEventListener('error', done(false), { once: true })
    socket.addEventListener('close', done(false), { once: true })
    deadline.signal.addEventListener('abort', done(false), { once: true })
  })
  if (opened) return socket
  socket.close()
  throw new TransportError(await whyRefused(url, { agent, headers, deadline }))
}

/** A refused upgrade hides its status; the same request without one is refused for the same reason. */
async function whyRefused(url: URL, sending: Sending): Promise<string> {
  try {
    const { status, text } = await get(url, sending)
    return status === 400 && text.includes('Upgrade')
      ? `${url.host} opened no stream for ${url.pathname}`
      : `GET ${url.pathname} answered ${status}: ${text.slice(0, 300)}`
  } catch (error) {
    return messageOf(error)
  }
}

function explain(url: URL, error: unknown, { signal }: Deadline): string {
  if (signal.aborted) return `${url.host} did not answer in time`
  const code = codeOf(error) ?? ''
  if (code === 'ECONNREFUSED') return `nothing listens on ${url.host} (connection refused)`
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return `${url.host} did not accept a connection within ${connectTimeoutMs / 1000} s`
  if (code === 'ENOTFOUND') return `${url.hostname} is not known to DNS`
  if (code.startsWith('CERT_') || code.includes('CERTIFICATE') || code.includes('SELF_SIGNED')) {
    return `the certificate of ${url.host} is not trusted: ${messageOf(error)}`
  }
  return `${url.host}: ${messageOf(error)}${code === '' ? '' : ` (${code})`}`
}

/** Reads the certificate that the API server presents, on a connection of its own that is closed at once. */
function presented(server: URL, tls: ReturnType<typeof tlsOptions>): Promise<ServerCertificate> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = tlsConnect({
      ...tls,
      host: server.hostname,
      port: Number(server.port === '' ? '443' : server.port),
      ALPNProtocols: ['h2', 'http/1.1'],
      timeout: connectTimeoutMs,
    })
    const fail = (error: Error) => {
      socket.destroy()
      reject(new TransportError(`${server.host}: ${messageOf(error)}`))
    }
    socket.once('error', fail)
    socket.once('timeout', () => fail(new Error('no TLS handshake in time')))
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      if (!certificate) return fail(new Error('presented no certificate'))
      resolve({
        subjectAltNames: (certificate.subjectAltName ?? '')
          .split(', ')
          .map((name) => name.replace(/^(DNS|IP Address):/, '')),
        issuer: certificate.issuer,
        validTo: new Date(certificate.validTo).toISOString(),
        authority: certificate.issuerCertificate?.fingerprint256 ?? '',
      })
    })
  })
}
