import pLimit from 'p-limit'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { Connection } from '../connection.ts'
import { parseJSON } from '../json.ts'
import type { Attempt } from '../kinds/observations.ts'
import type { Observer } from '../observe.ts'
import { probeNamespace, probePort, serviceHost } from '../probes/objects.ts'
import { outcomeOfWords } from '../tunnel.ts'

const atOnce = 8
const requestMs = 20_000
/** More than a packet of any usual network, there and back: small requests pass also where large packets get lost. */
const largeBytes = 4_000
/** Three times in a row: one success out of several tries would be called a flake elsewhere. */
const tries = 3

/**
 * Every unmeshed probe asks every other one, by pod address, by the Service's address and by its name. The answer is
 * the name of the pod that gave it, so a request that ended elsewhere is seen.
 */
export const observeReachability: Observer = async ({ here, names, deadline, probes }) => {
  if (!probes) throw new Error('needs probes')
  const { pods, notReady } = probes.on[here.cluster]
  const plain = pods.filter(({ role }) => role === 'plain')
  if (plain.length === 0)
    throw new Error(`no probe got ready: ${notReady.map(({ name, reason }) => `${name} ${reason}`).join('; ')}`)
  const limit = pLimit(atOnce)
  const domain = names.network.clusterDomain.name
  const address = await serviceAddress(here.connection, deadline)
  const targets = [
    ...plain.map((pod) => ({
      what: 'pod' as const,
      host: pod.address,
      name: pod.name,
      node: pod.node,
      answers: [pod.name],
    })),
    {
      what: 'service address' as const,
      host: address,
      name: `Service ${probeNamespace}/plain`,
      answers: plain.map(({ name }) => name),
    },
    {
      what: 'service name' as const,
      host: serviceHost('plain', domain),
      name: serviceHost('plain', domain),
      answers: plain.map(({ name }) => name),
    },
  ]
  return Promise.all(
    plain.flatMap((pod) =>
      targets.map((target) =>
        limit(async () => ({
          metadata: { name: `${pod.node} to ${target.what}${'node' in target ? ` on ${target.node}` : ''}` },
          from: { pod: pod.name, node: pod.node },
          to: { what: target.what, name: target.name, ...('node' in target ? { node: target.node } : {}) },
          attempt: await smallAndLarge(here.connection, pod.name, target, deadline),
        })),
      ),
    ),
  )
}

type Target = { what: 'pod' | 'service address' | 'service name'; host: string; answers: readonly string[] }

async function smallAndLarge(
  connection: Connection,
  pod: string,
  { what, host, answers }: Target,
  deadline: Deadline,
): Promise<Attempt> {
  const small = await ask(connection, pod, { host, port: probePort, path: 'hostname' }, answers, deadline)
  if (small.outcome !== 'answered' || what !== 'pod') return small
  const message = 'm'.repeat(largeBytes)
  const path = `echo?msg=${message}`
  const large = await ask(connection, pod, { host, port: probePort, path }, [message], deadline)
  return withLarge(small, large)
}

/** One attempt out of two: a way on which only small packets pass has an MTU that somebody set too high. */
export function withLarge(small: Attempt, large: Attempt): Attempt {
  if (large.outcome === 'answered') return { ...small, detail: `${small.detail}, with ${largeBytes} bytes too` }
  if (large.outcome === 'unknown') return large
  const said = large.outcome === 'wrong answer' ? 'other bytes came back' : large.detail
  return {
    outcome: large.outcome,
    detail: `small requests pass, those of ${largeBytes} bytes do not (look at the MTU): ${said}`,
  }
}

async function serviceAddress(connection: Connection, deadline: Deadline): Promise<string> {
  const { text } = await connection.get(`/api/v1/namespaces/${probeNamespace}/services/plain`, deadline)
  return z.object({ spec: z.object({ clusterIP: z.string() }) }).parse(parseJSON(text)).spec.clusterIP
}

const dialled = z.object({ responses: z.array(z.string()).default([]), errors: z.array(z.string()).default([]) })

/** What came back for requests that a probe sent. Throws when the probe could not be asked, or one was not answered. */
export async function answersTo(
  connection: Connection,
  pod: string,
  { host, port, path, tries: count }: { host: string; port: number; path: string; tries: number },
  deadline: Deadline,
): Promise<string[]> {
  const query = new URLSearchParams({ host, port: String(port), protocol: 'http', request: path, tries: String(count) })
  const url = `/api/v1/namespaces/${probeNamespace}/pods/${pod}:${probePort}/proxy/dial?${query.toString()}`
  const { status, text } = await connection.get(url, deadline)
  const answer = dialled.safeParse(parseJSON(text))
  if (status !== 200 || !answer.success) throw new Error(`probe ${pod} answered ${status}: ${text.slice(0, 200)}`)
  const [error] = answer.data.errors
  if (error !== undefined) throw new Error(`${pod} got no answer from ${host}: ${error}`)
  return answer.data.responses.map((response) => response.trim())
}

/** Lets a probe send an HTTP request three times; all of the answers have to be among those expected. */
export async function ask(
  connection: Connection,
  pod: string,
  { host, port, path }: { host: string; port: number; path: string },
  expected: readonly string[],
  deadline: Deadline,
): Promise<Attempt> {
  const query = new URLSearchParams({ host, port: String(port), protocol: 'http', request: path, tries: String(tries) })
  const url = `/api/v1/namespaces/${probeNamespace}/pods/${pod}:${probePort}/proxy/dial?${query.toString()}`
  const own = deadlineIn(requestMs, deadline.signal)
  try {
    const { status, text } = await connection.get(url, own)
    const answer = dialled.safeParse(parseJSON(text))
    if (status !== 200 || !answer.success)
      return { outcome: 'unknown', detail: `probe ${pod} answered ${status}: ${text.slice(0, 200)}` }
    const { responses, errors } = answer.data
    const [error] = errors
    if (error !== undefined)
      return { outcome: outcomeOfWords(error) ?? 'failed', detail: `${errors.length} of ${tries} failed: ${error}` }
    const wrong = responses.find((response) => !expected.includes(response.trim()))
    if (wrong !== undefined)
      return { outcome: 'wrong answer', detail: `answered by ${wrong.slice(0, 80)}, not by ${expected.join(' or ')}` }
    if (responses.length < tries) return { outcome: 'failed', detail: `${responses.length} of ${tries} answers came` }
    return { outcome: 'answered', detail: `${tries} of ${tries}, by ${[...new Set(responses)].join(', ')}` }
  } catch (error) {
    // The probe gives each request five seconds: what takes longer is the way to the probe.
    return { outcome: 'unknown', detail: `probe ${pod} could not be asked: ${messageOf(error)}` }
  }
}
