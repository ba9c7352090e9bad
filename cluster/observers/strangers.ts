import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import type { SecureVersion, TLSSocket } from 'node:tls'
import pLimit from 'p-limit'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { codeOf, messageOf } from '../../check/error-message.ts'
import type { ClusterName } from '../../platform/platform.ts'
import { namespaceOf } from '../../platform/platform.ts'
import { services } from '../kinds/core.ts'
import type { DataService, Knock } from '../kinds/cross-cluster.ts'
import type { Attempt } from '../kinds/observations.ts'
import { links } from '../kinds/platform.ts'
import type { Observer, Observing } from '../observe.ts'
import { mirroredName, probePort, serviceHost } from '../probes/objects.ts'
import type { Route, Tunnel } from '../tunnel.ts'
import { attemptThatFailed, dial } from '../tunnel.ts'
import { aProbe, serviceOn } from './cross-cluster-services.ts'
import { selfMadeIdentity } from './self-made-identity.ts'

const atOnce = 4
const knockMs = 20_000
const tries = 3
const roles = ['plain', 'meshed'] as const
type Role = (typeof roles)[number]

/** What a client says first, without any account, and how its server begins to answer. */
type Greeting = { say: (host: string) => Buffer; isAnswer: RegExp }

/** SSLRequest is the first message of PostgreSQL that gets an answer: one letter. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const webRequest = (host: string, path = '/') =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)

const greetings: Record<DataService, Greeting> = {
  postgres: { say: () => sslRequest, isAnswer: /^[SNE]/ },
  dragonfly: { say: () => Buffer.from('*1\r\n$4\r\nPING\r\n'), isAnswer: /^(\+PONG|-NOAUTH|-ERR)/ },
  minio: { say: (host) => webRequest(host, '/minio/health/live'), isAnswer: /^HTTP\/1\.1 200 / },
}

/** The Service of the meshed probes of infra, which is exported in every run. */
const ownExport = 'meshed'

/**
 * A probe outside of the mesh knocks at what only the mesh may use: the mirrors of the data services and of the probes
 * themselves, and the port of the gateway. A meshed one does the same to the same services at the same time.
 */
export const observeStrangers: Observer = async (observing) => {
  const limit = pLimit(atOnce)
  const knocks = [...atServices(observing), ...atReverseMirrors(observing), ...atGateway(observing)]
  return Promise.all(knocks.map((knock) => limit(() => untilDecided(knock))))
}

type Knocking = () => Promise<Knock>

const undecided: readonly Attempt['outcome'][] = ['too slow', 'unknown']

/** Silence is no refusal, and on a busy cluster no answer either: who hears nothing knocks again, and then says so. */
async function untilDecided(knock: Knocking): Promise<Knock> {
  let heard = await knock()
  for (let tried = 1; tried < tries && undecided.includes(heard.attempt.outcome); tried += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    heard = await knock()
  }
  return heard
}

const route = ({ sites, probes }: Observing, cluster: ClusterName, role: Role) => ({
  connection: sites[cluster].connection,
  pod: aProbe(probes, cluster, role),
})

function atServices(observing: Observing): Knocking[] {
  const { names, deadline } = observing
  const own = mirroredName(ownExport, 'infra')
  const doors = [
    ...(['postgres', 'dragonfly', 'minio'] as const).map((service) => ({
      ...serviceOn('apps', service, names),
      greeting: greetings[service],
    })),
    {
      name: own,
      host: serviceHost(own, names.network.clusterDomain.name),
      port: probePort,
      greeting: { say: (host: string) => webRequest(host, '/hostname'), isAnswer: /^HTTP\/1\.1 200 / },
    },
  ]
  return doors.flatMap(({ name, host, port, greeting }) =>
    roles.map((role) => {
      const from = route(observing, 'apps', role)
      const to = { what: 'service' as const, name, port, by: 'greeting' as const }
      return () => greet({ role, to }, { ...from, host, port }, greeting, deadline)
    }),
  )
}

/** Where apps is mirrored to infra as well, the same holds in that direction. What speaks there is not known. */
function atReverseMirrors(observing: Observing): Knocking[] {
  const { sites, names } = observing
  const suffix = `-${names.mirroring.reverseLink.name}`
  const mirrors = sites.infra
    .list(services)
    .filter(
      ({ metadata }) =>
        metadata.labels[names.labels.mirrored.key] === names.labels.mirrored.value && metadata.name.endsWith(suffix),
    )
  return mirrors.flatMap(({ metadata, spec }) => {
    const [port] = spec.ports
    if (!port) return []
    const host = `${metadata.name}.${metadata.namespace ?? ''}.svc.${names.network.clusterDomain.name}`
    return roles.map((role) => {
      const to = { what: 'service' as const, name: metadata.name, port: port.port, by: 'greeting' as const }
      return () =>
        greet(
          { role, to },
          { ...route(observing, 'infra', role), host, port: port.port },
          { say: (own) => webRequest(own), isAnswer: /^/ },
          observing.deadline,
        )
    })
  })
}

function atGateway(observing: Observing): Knocking[] {
  const { names, deadline } = observing
  const { address, port, identity } = gatewayOf(observing)
  const from = { ...route(observing, 'apps', 'plain'), host: address, port }
  const to = (by: Knock['to']['by']) => ({ what: 'gateway' as const, name: address, port, by })
  const greeting = { say: () => webRequest(names.services.linkerdGateway.name), isAnswer: /^/ }
  return [
    () => greet({ role: 'plain', to: to('plain text') }, from, greeting, deadline),
    () => shake({ role: 'plain', to: to('TLS 1.3') }, from, { servername: identity, version: 'TLSv1.3' }, deadline),
    () => shake({ role: 'plain', to: to('TLS 1.2') }, from, { servername: identity, version: 'TLSv1.2' }, deadline),
    async () =>
      shake(
        { role: 'plain', to: to('certificate of a stranger') },
        from,
        { servername: identity, version: 'TLSv1.3', ...(await selfMadeIdentity(identity)) },
        deadline,
      ),
  ]
}

/** The gateway of infra as apps is linked to it; where there is no Link, as infra publishes it. */
function gatewayOf({ sites, names }: Observing): { address: string; port: number; identity: string } {
  const namespace = namespaceOf(names, 'linkerdMulticluster')
  const link = sites.apps.list(links).find(({ metadata }) => metadata.name === names.mirroring.link.name)
  const service = sites.infra
    .list(services)
    .find(({ metadata }) => metadata.namespace === namespace && metadata.name === names.services.linkerdGateway.name)
  const linked = link?.spec.gatewayAddress.split(',')[0]?.trim()
  const address = linked === undefined || linked === '' ? service?.status.loadBalancer.ingress[0]?.ip : linked
  if (address === undefined) throw new Error('neither a Link nor a Service tells where the gateway of infra is')
  return {
    address,
    port: Number(link?.spec.gatewayPort ?? names.services.linkerdGateway.ports?.['mc-gateway'] ?? 4143),
    identity: link?.spec.gatewayIdentity ?? names.mirroring.gatewayIdentity.name,
  }
}

type About = { role: Role; to: Knock['to'] }
type Heard = { attempt: Attempt; bytes: number; tls?: string }

const knockOf = ({ role, to }: About, { pod }: Route, heard: Heard): Knock => ({
  metadata: { name: `${role} probe to ${to.what === 'gateway' ? 'the gateway' : to.name} by ${to.by}` },
  from: { role, pod },
  to,
  ...heard,
})

/** Says the first word and waits for one back. */
async function greet(about: About, to: Route, { say, isAnswer }: Greeting, deadline: Deadline): Promise<Knock> {
  const tunnel = dial(to, deadlineIn(knockMs, deadline.signal))
  return knockOf(about, to, await hear(tunnel, say(`${to.host}:${to.port}`), isAnswer))
}

/** What comes back for the first words: nothing, an answer, or something else that is an answer all the same. */
export async function hear(tunnel: Tunnel, words: Buffer, isAnswer: RegExp): Promise<Heard> {
  try {
    tunnel.write(words)
    const first = await firstOf(tunnel)
    if (first === undefined)
      return { attempt: tunnel.ending ?? { outcome: 'closed', detail: 'closed without a byte' }, bytes: 0 }
    const text = first.toString('latin1')
    const attempt: Attempt = isAnswer.test(text)
      ? { outcome: 'answered', detail: `${first.length} bytes came back` }
      : { outcome: 'wrong answer', detail: `${JSON.stringify(text.slice(0, 40))} came back` }
    return { attempt, bytes: first.length }
  } catch (error) {
    return { attempt: attemptThatFailed(error, tunnel), bytes: tunnel.bytesRead }
  } finally {
    tunnel.destroy()
  }
}

/** The first bytes of a stream, or undefined at its end. Throws its error. */
async function firstOf(stream: Duplex): Promise<Buffer | undefined> {
  for await (const chunk of stream as AsyncIterable<Buffer>) return chunk
  return undefined
}

type Handshake = { servername: string; version: SecureVersion; cert?: string; key?: string }

async function shake(about: About, to: Route, handshake: Handshake, deadline: Deadline): Promise<Knock> {
  const tunnel = dial(to, deadlineIn(knockMs, deadline.signal))
  return knockOf(about, to, await hearBehindTLS(tunnel, handshake))
}

/** A handshake that anybody can make, then a request. Only what comes behind the handshake counts as given away. */
export async function hearBehindTLS(tunnel: Tunnel, { version, ...options }: Handshake): Promise<Heard> {
  const socket = tlsConnect({
    socket: tunnel,
    ...options,
    minVersion: version,
    maxVersion: version,
    // It is the stranger that is not trusted here.
    rejectUnauthorized: false,
  })
  let tls: string | undefined
  const heard = (attempt: Attempt, bytes = 0): Heard => ({ attempt, bytes, ...(tls === undefined ? {} : { tls }) })
  const broken = brokenTunnel(tunnel)
  try {
    await Promise.race([once(socket, 'secureConnect'), broken])
    tls = socket.getProtocol() ?? undefined
    socket.write(webRequest('stranger'))
    const first = await Promise.race([firstOf(socket), broken])
    if (first === undefined) return heard(tunnel.ending ?? { outcome: 'closed', detail: 'closed without a byte' })
    return heard({ outcome: 'answered', detail: `${first.length} bytes came back` }, first.length)
  } catch (error) {
    return heard(failedHandshake(error, tunnel, socket))
  } finally {
    socket.destroy()
    tunnel.destroy()
  }
}

/** TLS does not always hear of the end of what it runs on. */
function brokenTunnel(tunnel: Tunnel): Promise<undefined> {
  return new Promise((resolve, reject) => {
    tunnel.once('error', reject)
    tunnel.once('close', () => resolve(undefined))
  })
}

/** An alert is a refusal in good order; a tunnel that ended is told by itself. */
function failedHandshake(error: unknown, tunnel: Tunnel, socket: TLSSocket): Attempt {
  const code = codeOf(error) ?? ''
  if (code.startsWith('ERR_SSL_'))
    return {
      outcome: 'refused',
      detail: `refused by TLS: ${code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ')}`,
    }
  if (code === 'ECONNRESET' && !tunnel.ending)
    return { outcome: 'closed', detail: `closed ${socket.getProtocol() === null ? 'during' : 'after'} the handshake` }
  const attempt = attemptThatFailed(error, tunnel)
  return attempt.outcome === 'failed' ? { ...attempt, detail: messageOf(error) } : attempt
}
