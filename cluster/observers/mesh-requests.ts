import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { Connection } from '../connection.ts'
import type { Attempt } from '../kinds/observations.ts'
import type { Observer } from '../observe.ts'
import { probeNamespace, probePort } from '../probes/objects.ts'
import { outcomeOfWords } from '../tunnel.ts'
import { NoAnswer, requestFrom } from './probe-http.ts'
import { trustDomainOf } from './trust-domain.ts'

const requestMs = 25_000
/** The proxy of the target sets it, and takes away what a client has put there. */
const identityHeader = 'l5d-client-id'

/**
 * Requests from probe to probe that show as whom the mesh lets them in. The target says which identity its proxy told
 * it; a stranger that forges the header must not be believed, and must not get in where only the mesh may.
 */
export const observeMeshRequests: Observer = async (observing) => {
  const { here, deadline, probes } = observing
  if (!probes) throw new Error('needs probes')
  const { pods } = probes.on[here.cluster]
  const meshed = pods.filter(({ role }) => role === 'meshed')
  const [stranger] = pods.filter(({ role }) => role === 'plain')
  const [guarded] = pods.filter(({ role }) => role === 'guarded')
  const [first] = meshed
  if (!first || !stranger || !guarded)
    throw new Error('a meshed, an unmeshed and a guarded probe are needed, and not all got ready')
  const identity = `default.${probeNamespace}.serviceaccount.identity.linkerd.${trustDomainOf(here)}`
  const send = async (
    what: 'mesh' | 'calibration' | 'stranger',
    from: string,
    to: { name: string; address: string },
  ) => {
    const { attempt, clientIdentity } = await ask(here.connection, from, to.address, deadline)
    return {
      metadata: { name: `${nameOf(from)} to ${nameOf(to.name)}` },
      what,
      attempt,
      clientIdentity,
      expectedIdentity: identity,
    }
  }
  const nameOf = (name: string) => {
    const pod = pods.find((candidate) => candidate.name === name)
    return pod ? `${pod.role} probe on ${pod.node}` : name
  }
  return Promise.all([
    // In a ring: every meshed probe asks, and every one is asked.
    ...meshed.map((pod, index) => send('mesh', pod.name, meshed[(index + 1) % meshed.length] ?? pod)),
    send('calibration', first.name, guarded),
    send('stranger', stranger.name, guarded),
  ])
}

async function ask(
  connection: Connection,
  pod: string,
  address: string,
  deadline: Deadline,
): Promise<{ attempt: Attempt; clientIdentity: string }> {
  const own = deadlineIn(requestMs, deadline.signal)
  const failed = (attempt: Attempt) => ({ attempt, clientIdentity: '' })
  try {
    const request = {
      host: address,
      port: probePort,
      path: `/header?key=${identityHeader}`,
      headers: { [identityHeader]: 'forged' },
    }
    const { status, text } = await requestFrom(connection, pod, request, own)
    if (status === 403) return failed({ outcome: 'refused', detail: 'the proxy answered 403' })
    if (status !== 200) return failed({ outcome: 'wrong answer', detail: `answered ${status}` })
    return { attempt: { outcome: 'answered', detail: `answered ${status}` }, clientIdentity: text.trim() }
  } catch (error) {
    const said = messageOf(error)
    if (error instanceof NoAnswer) return failed({ outcome: outcomeOfWords(said) ?? 'closed', detail: said })
    return failed({ outcome: 'unknown', detail: `probe ${pod} could not be asked: ${said}` })
  }
}
