import { absent } from '../check/absent.ts'
import type { Holding } from '../check/check.ts'
import { check } from '../check/check.ts'
import type { DataSession, ExportStep, Knock } from '../cluster/kinds/cross-cluster.ts'
import { dataSessions, exportedService, strangers } from '../cluster/kinds/cross-cluster.ts'
import { services } from '../cluster/kinds/core.ts'
import type { ClusterName } from '../platform/platform.ts'
import { answersEveryTime, nameOfSession, productOf } from './sessions.ts'

type Answer = DataSession['resolved']

function resolves({ rcode, addresses, failure }: Answer): Holding {
  if (rcode === undefined) return `could not be asked for: ${failure ?? 'no answer'}`
  if (rcode !== 'NOERROR') return rcode === 'NXDOMAIN' ? 'does not exist (NXDOMAIN)' : `is answered with ${rcode}`
  return addresses.length > 0 || 'has no address'
}

export const postgresMirrorResolves = check({
  claim: 'MESH-10',
  on: 'apps',
  fact: 'the name of the mirrored Postgres service resolves on apps, to the address of that Service',
  reads: { sessions: dataSessions, services },
  population: 'names of the mirrored Postgres service',
  atLeast: 2,
  because: 'the name as the document writes it, and the one with a namespace',
  expected: 'the address of the mirrored Service, from the DNS of apps',
  subjects: (read) =>
    read.sessions
      .filter(({ service }) => service === 'postgres')
      .flatMap(({ resolved, shortName, of }) => {
        const service = read.services.find(({ metadata: { namespace, name } }) => `${namespace}/${name}` === of)
        const own = service?.spec.clusterIP
        return [
          { answer: resolved, own, isShort: false },
          ...(shortName === undefined ? [] : [{ answer: shortName, own, isShort: true }]),
        ]
      }),
  name: ({ answer }) => ({ subject: answer.name, look: 'get services -A -l mirror.linkerd.io/mirrored-service=true' }),
  // No name without a namespace can exist in a cluster's DNS; the one with it has to.
  disputed: ({ answer, isShort }) => isShort && answer.rcode === 'NXDOMAIN',
  holds: ({ answer, own }) => {
    const resolved = resolves(answer)
    if (resolved !== true) return resolved
    if (own === undefined) return `resolves to ${answer.addresses.join(', ')}, and there is no such Service`
    // A headless Service has the addresses of its endpoints.
    if (own === 'None' || answer.addresses.includes(own)) return true
    return `resolves to ${answer.addresses.join(', ')}, and the Service is at ${own}`
  },
})

function isUsable(session: DataSession): Holding {
  const resolved = resolves(session.resolved)
  if (resolved !== true) return `has a name that ${resolved}`
  const answers = answersEveryTime(session)
  if (answers !== true || session.service !== 'postgres') return answers
  const { isInRecovery, seenOnInfra } = session.facts
  if (isInRecovery !== false) return 'is in recovery: it takes no writes'
  return seenOnInfra === true || 'answers, and Postgres of infra has no such session'
}

export const mirroredServicesUsable = check({
  claim: 'MESH-11',
  on: 'across',
  fact: 'Postgres, Dragonfly and MinIO of infra are usable on apps by their mirrors',
  reads: { sessions: dataSessions },
  population: 'mirrored data services, each used three times',
  atLeast: 3,
  because: 'Postgres, Dragonfly and MinIO',
  expected: 'a name that resolves, three sessions in a row, Postgres seen from infra and no replica',
  subjects: ({ apps }) => apps.sessions,
  name: (session) => ({ ...nameOfSession(session), cluster: 'apps' as const }),
  holds: isUsable,
})

const stepNames: Record<ExportStep['metadata']['name'], string> = {
  appears: 'a new export',
  'follows a port': 'a changed port',
  goes: 'an export that was taken back',
}

export const exportsAreFollowed = check({
  claim: 'MESH-12',
  on: 'across',
  fact: 'apps follows an export, a change and the end of it by itself',
  reads: { steps: exportedService },
  population: 'steps of an export',
  atLeast: 3,
  because: 'it is exported, changed and taken back',
  expected: 'followed on apps in time',
  subjects: ({ apps }) => apps.steps,
  name: ({ metadata }) => ({
    subject: stepNames[metadata.name],
    cluster: 'apps' as const,
    look: '-n linkerd-multicluster get links -o yaml',
  }),
  holds: ({ outcome, detail, tookMs, patienceMs }) => {
    if (outcome === 'followed') return tookMs <= patienceMs || `was followed after ${seconds(tookMs)}`
    if (outcome === 'not in time') return `was not followed within ${seconds(patienceMs)}: ${detail}`
    return `was not tried: ${detail}`
  },
})

const seconds = (ms: number) => `${(ms / 1_000).toFixed(0)} s`

/** An end that says whether the other side gave something away. Of a silence or a lost command nobody knows the cause. */
const isDecisive = ({ attempt }: Knock) => ['closed', 'refused', 'answered', 'wrong answer'].includes(attempt.outcome)

/** Knocks of the mesh that were answered: they show that the same door opens to those who belong. */
const answeredKnocks = (knocks: readonly Knock[]) =>
  knocks.filter(
    ({ from, to, attempt }) => from.role === 'meshed' && to.what === 'service' && attempt.outcome === 'answered',
  )

const nameOfKnock = ({ to }: Knock) => ({
  subject: to.what === 'gateway' ? `the gateway at ${to.name}:${to.port}` : `Service ${to.name}`,
  cluster: 'apps' as ClusterName,
  look: to.what === 'gateway' ? '-n linkerd-multicluster get links -o yaml' : 'get services -A',
})

const givenAway = ({ bytes, attempt }: Knock) => (bytes > 0 ? `answers a stranger: ${attempt.detail}` : undefined)

export const mirrorsOpenToTheMeshOnly = absent({
  claim: 'MESH-13',
  on: 'across',
  fact: 'no mirrored service answers a client outside of the mesh',
  reads: { knocks: strangers },
  population: 'mirrored services that answer the mesh',
  atLeast: 1,
  because: 'the Service of the probes is mirrored in every run',
  expected: 'an unmeshed probe refused or cut off, without a byte, where a meshed one is answered',
  subjects: ({ apps }) => {
    const doors = new Set(answeredKnocks(apps.knocks).map(({ to }) => to.name))
    return apps.knocks.filter(
      (knock) =>
        knock.from.role === 'plain' && knock.to.what === 'service' && doors.has(knock.to.name) && isDecisive(knock),
    )
  },
  name: nameOfKnock,
  detector: givenAway,
  calibrate: ({ apps }) => answeredKnocks(apps.knocks),
})

export const gatewayTellsStrangersNothing = absent({
  claim: 'MESH-14',
  on: 'across',
  fact: 'the port of the gateway gives no stranger a byte',
  reads: { knocks: strangers },
  population: 'ways to speak to the gateway as a stranger',
  atLeast: 4,
  because: 'plain text, TLS 1.3 without a certificate and with one of its own, TLS 1.2',
  expected: 'refused, or closed without application data; no TLS below 1.3',
  subjects: ({ apps }) => apps.knocks.filter((knock) => knock.to.what === 'gateway' && isDecisive(knock)),
  name: (knock) => ({ ...nameOfKnock(knock), subject: `${nameOfKnock(knock).subject} by ${knock.to.by}` }),
  detector: (knock) =>
    knock.to.by === 'TLS 1.2' && knock.tls !== undefined ? `speaks ${knock.tls}` : givenAway(knock),
  calibrate: ({ apps }) => answeredKnocks(apps.knocks),
})

type Pair = { service: DataSession['service']; infra: DataSession | undefined; apps: DataSession | undefined }

/** What a server says it is, and what has to be the same on both ways to it. */
const identityOf = ({ facts: { version, database, server } }: DataSession) =>
  [version, database, server].filter((part) => part !== undefined).join(', ')

function samePath({ infra, apps }: Pair): Holding {
  if (!infra || !apps) return `was not used on ${infra ? 'apps' : 'infra'}`
  const [direct, mirrored] = [answersEveryTime(infra), answersEveryTime(apps)]
  if (direct !== true) return `on infra ${direct}`
  if (mirrored !== true) return `on apps ${mirrored}`
  return identityOf(infra) === identityOf(apps) || `is ${identityOf(infra)} on infra and ${identityOf(apps)} on apps`
}

export const sameClientOnBothPaths = check({
  claim: 'MESH-18',
  on: 'across',
  fact: 'the same client reaches the same server on infra by its name and on apps by that of its mirror',
  reads: { sessions: dataSessions },
  population: 'data services, each used three times on both clusters',
  atLeast: 3,
  because: 'Postgres, Dragonfly and MinIO',
  expected: 'three sessions in a row on both clusters, with the same server; only the host name differs',
  subjects: ({ infra, apps }): Pair[] =>
    (['postgres', 'dragonfly', 'minio'] as const)
      .map((service) => ({
        service,
        infra: infra.sessions.find((session) => session.service === service),
        apps: apps.sessions.find((session) => session.service === service),
      }))
      .filter((pair) => pair.infra !== undefined || pair.apps !== undefined),
  name: (pair) => ({ subject: productOf(pair), cluster: 'apps' as const, look: 'get services -A' }),
  holds: samePath,
})
