import type { Duplex } from 'node:stream'
import { connect as connectTLS } from 'node:tls'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import { rootCA } from '../kinds/documents.ts'
import type { APIEndpoint } from '../kinds/observations.ts'
import type { Observer } from '../observe.ts'
import { attemptThatFailed, dial } from '../tunnel.ts'
import { aProbe, resolve } from './cross-cluster-services.ts'
import { parseAnswer } from './probe-http.ts'

const requestMs = 20_000
const port = 6443

/**
 * From an unmeshed probe: what the DNS of the cluster says of the name of its API, and whether the API server answers
 * there with a certificate of its own authority for that name. Any status is an answer: the probe has no account.
 */
export const observeAPIEndpoints: Observer = async ({ here, names, deadline, probes }) => {
  const pod = aProbe(probes, here.cluster, 'plain')
  const host = names.apiEndpoints[here.cluster].name
  const { addresses, failure } = await resolve(here, pod, host, names, deadline)
  const found = { metadata: { name: host }, addresses }
  const [address] = addresses
  if (address === undefined) return [{ ...found, failure: failure ?? `the DNS of ${here.cluster} knows no address` }]
  const authority = here.list(rootCA)[0]?.data['ca.crt']
  // Without it TLS would be verified against the authorities of the world, which says nothing of the cluster.
  if (!authority) throw new Error(`the root certificate of ${here.cluster} is not in its ConfigMap`)
  const own = deadlineIn(requestMs, deadline.signal)
  const tunnel = dial({ connection: here.connection, pod, host: address, port }, own)
  try {
    const status = await statusOf(tunnel, { host, authority })
    return [{ ...found, status } satisfies APIEndpoint]
  } catch (error) {
    const { outcome, detail } = attemptThatFailed(error, tunnel)
    if (outcome === 'unknown') throw error
    return [{ ...found, failure: `${address}:${port}: ${detail}` } satisfies APIEndpoint]
  } finally {
    tunnel.destroy()
  }
}

/** The status of an answer over TLS that only this authority may have certified. */
export function statusOf(tunnel: Duplex, { host, authority }: { host: string; authority: string }): Promise<number> {
  return new Promise((resolved, reject) => {
    const secured = connectTLS({ socket: tunnel, servername: host, ca: authority, ALPNProtocols: ['http/1.1'] })
    let text = ''
    secured.on('secureConnect', () => {
      secured.write(`GET /version HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
    })
    secured.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const answer = parseAnswer(text, false)
      if (answer) resolved(answer.status)
    })
    secured.once('end', () => {
      const answer = parseAnswer(text, true)
      if (answer) resolved(answer.status)
      else reject(new Error('it closed the connection without an answer'))
    })
    secured.once('error', (error) => reject(new Error(messageOf(error))))
    tunnel.once('error', reject)
  })
}
