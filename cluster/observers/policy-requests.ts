import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import { parseMetrics } from '../clients/prometheus-text.ts'
import type { Connection } from '../connection.ts'
import { getFromPod } from '../http-forward.ts'
import type { Attempt, PolicyRequest } from '../kinds/observations.ts'
import type { Observer } from '../observe.ts'
import { policyObjects } from '../probes/policies.ts'
import { probeNamespace, probePort } from '../probes/objects.ts'
import { outcomeOfWords } from '../tunnel.ts'
import { NoAnswer, requestFrom } from './probe-http.ts'
import { trustDomainOf } from './trust-domain.ts'

const adminPort = 4191
/** A policy takes effect within seconds, and cuts what it does not allow. */
const patienceMs = 15_000
const pauseMs = 500
const requestMs = 10_000

/**
 * Puts a pod of the run under a policy that names an identity which nobody has, then under one that names that of the
 * client. The first shows that a wrong identity is refused, the second that it was the identity for which it was.
 */
export const observePolicyRequests: Observer = async ({ here, probes, deadline }): Promise<PolicyRequest[]> => {
  if (!probes) throw new Error('needs probes')
  const { pods, owner } = probes.on[here.cluster]
  const [server] = pods.filter(({ role }) => role === 'restricted')
  const [from] = pods.filter(({ role }) => role === 'meshed')
  if (!server || !from) throw new Error('a meshed and a restricted probe are needed, and not both got ready')
  const identityOf = (account: string) =>
    `${account}.${probeNamespace}.serviceaccount.identity.linkerd.${trustDomainOf(here)}`
  const client = identityOf('default')
  const stranger = identityOf('nobody')
  const { connection } = here
  for (const object of policyObjects(owner, stranger)) {
    // oxlint-disable-next-line no-await-in-loop -- what is referred to comes first
    await write(connection, object, deadline)
  }
  const send = () => ask(connection, from.name, server.address, deadline)
  const wrong = await until(send, 'refused', deadline)
  const denied = await deniedBy(connection, server.name, client, deadline)
  const [authentication] = policyObjects(owner, client)
  await change(connection, authentication, deadline)
  const right = await until(send, 'answered', deadline)
  return [
    { metadata: { name: 'wrong identity' }, allowed: stranger, client, attempt: wrong, denied },
    { metadata: { name: 'right identity' }, allowed: client, client, attempt: right, denied },
  ]
}

type PolicyObject = ReturnType<typeof policyObjects>[number]

/** Makes an object of the policy, or brings the one that an observation left which did not get through to the same. */
async function write(connection: Connection, object: PolicyObject, deadline: Deadline): Promise<void> {
  const { status, text } = await connection.send({ method: 'POST', ...object }, deadline)
  if (status === 409) return change(connection, object, deadline)
  if (status !== 201) throw new Error(`a ${object.body.kind} was refused: ${status} ${text.slice(0, 160)}`)
}

async function change(connection: Connection, { path, body }: PolicyObject, deadline: Deadline): Promise<void> {
  const type = 'application/merge-patch+json'
  const { status, text } = await connection.send(
    { method: 'PATCH', path: `${path}/${body.metadata.name}`, body: { spec: body.spec }, type },
    deadline,
  )
  if (status !== 200) throw new Error(`the policy could not be changed: ${status} ${text.slice(0, 160)}`)
}

/** Asks until it ends in this way, or the time for a policy to take effect is over. */
async function until(send: () => Promise<Attempt>, outcome: Attempt['outcome'], deadline: Deadline): Promise<Attempt> {
  const patience = deadlineIn(patienceMs, deadline.signal)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it takes effect
    const attempt = await send()
    if (attempt.outcome === outcome || patience.remainingMs() < pauseMs) return attempt
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}

async function ask(connection: Connection, pod: string, address: string, deadline: Deadline): Promise<Attempt> {
  const own = deadlineIn(requestMs, deadline.signal)
  try {
    const { status } = await requestFrom(connection, pod, { host: address, port: probePort, path: '/hostname' }, own)
    if (status === 403) return { outcome: 'refused', detail: 'the proxy answered 403' }
    return { outcome: status === 200 ? 'answered' : 'wrong answer', detail: `answered ${status}` }
  } catch (error) {
    const said = messageOf(error)
    if (error instanceof NoAnswer) return { outcome: outcomeOfWords(said) ?? 'closed', detail: said }
    return { outcome: 'unknown', detail: `probe ${pod} could not be asked: ${said}` }
  }
}

async function deniedBy(connection: Connection, pod: string, client: string, deadline: Deadline): Promise<number> {
  const where = { namespace: probeNamespace, pod, port: adminPort }
  const { status, text } = await getFromPod(connection, where, '/metrics', deadline)
  if (status !== 200) throw new Error(`the proxy of ${pod} answered ${status} to GET /metrics`)
  return parseMetrics(text)
    .filter(({ name, labels }) => name === 'inbound_http_authz_deny_total' && labels['client_id'] === client)
    .reduce((sum, { value }) => sum + value, 0)
}
