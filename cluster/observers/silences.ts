import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import { parseJSON } from '../json.ts'
import type { HTTPGet } from '../http-forward.ts'
import type { SilenceStep } from '../kinds/alerting.ts'
import type { Observer } from '../observe.ts'
import { probeNamespace } from '../probes/objects.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

/** An operator acts on an object at once; the document gives no time for it. */
const patienceMs = 15_000
const pauseMs = 500
/** A silence that nobody takes back ends by itself soon. */
const lasts = '15m'

const path = `/apis/observability.giantswarm.io/v1alpha2/namespaces/${probeNamespace}/silences`

const silencesShape = z.array(
  z.object({
    status: z.object({ state: z.string() }),
    createdBy: z.string(),
    matchers: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
)
type Silence = z.infer<typeof silencesShape>[number]

/**
 * Makes a Silence object for an alert that nobody raises, in the namespace of the probes, looks for it in Alertmanager,
 * and takes it back. What an operator leaves unfinished is cleared away with the object.
 */
export const observeSilences: Observer = async (observing): Promise<SilenceStep[]> => {
  const { sites, probes, deadline } = observing
  if (!probes) throw new Error('needs probes')
  const { connection } = sites.infra
  // An observation that is made once more must not find the silence of the one before.
  const id = `${probes.run.id}-${randomBytes(2).toString('hex')}`
  const name = `silence-${id}`
  const alert = `Conformance-${id}`
  const get = endpointOnInfra(observing, 'alertmanager')
  // Whoever cannot be asked now cannot be said not to have followed.
  await silencesOf(get, deadline)
  const made = await connection.send({ method: 'POST', path, body: silenceObject(name, alert) }, deadline)
  if (made.status === 404) {
    const detail = 'the API server of infra serves no silences.observability.giantswarm.io'
    return steps({ outcome: 'no such kind', detail, tookMs: 0 }, { outcome: 'not tried', detail, tookMs: 0 })
  }
  if (made.status !== 201) throw new Error(`a Silence was refused with ${made.status}: ${made.text.slice(0, 200)}`)
  try {
    const begins = await until((found) => found?.status.state === 'active', { get, alert, deadline })
    await connection.send({ method: 'DELETE', path: `${path}/${name}` }, deadline)
    if (begins.outcome !== 'followed')
      return steps(begins, { outcome: 'not tried', detail: 'there was no silence to end', tookMs: 0 })
    return steps(begins, await until((found) => found?.status.state !== 'active', { get, alert, deadline }))
  } finally {
    // An operator that died in between would hold the object, and with it the namespace.
    const change = { method: 'PATCH' as const, path: `${path}/${name}`, type: 'application/merge-patch+json' }
    await connection.send({ ...change, body: { metadata: { finalizers: null } } }, deadline).catch(() => undefined)
  }
}

type Step = Omit<SilenceStep, 'metadata'>
const steps = (begins: Step, ends: Step): SilenceStep[] => [
  { metadata: { name: 'begins' }, ...begins },
  { metadata: { name: 'ends' }, ...ends },
]

const silenceObject = (name: string, alert: string) => ({
  apiVersion: 'observability.giantswarm.io/v1alpha2',
  kind: 'Silence',
  metadata: {
    name,
    namespace: probeNamespace,
    // Older operators know no duration, and end a silence at the end of this day.
    annotations: { 'valid-until': new Date(Date.now() + 86_400_000).toISOString().slice(0, 10) },
  },
  spec: { matchers: [{ name: 'alertname', value: alert, matchType: '=' }], duration: lasts },
})

type Asking = { get: HTTPGet; alert: string; deadline: Deadline }

async function until(
  isSo: (found: Silence | undefined) => boolean,
  { get, alert, deadline }: Asking,
): Promise<Omit<SilenceStep, 'metadata'>> {
  const began = performance.now()
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until it is so
    const all = await silencesOf(get, deadline)
    const found = all.find(({ matchers }) => matchers.some(({ value }) => value === alert))
    const tookMs = Math.round(performance.now() - began)
    const detail = found ? `the silence is ${found.status.state}` : 'there is no such silence'
    const createdBy = found ? { createdBy: found.createdBy } : {}
    if (isSo(found)) return { outcome: 'followed', detail, tookMs, ...createdBy }
    if (tookMs > patienceMs) return { outcome: 'not in time', detail, tookMs, ...createdBy }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
}

async function silencesOf(get: HTTPGet, deadline: Deadline): Promise<Silence[]> {
  const { status, text } = await get('/api/v2/silences', deadline)
  const parsed = silencesShape.safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success)
    throw new Error(`Alertmanager answered ${status} with something that is no list of silences: ${text.slice(0, 120)}`)
  return parsed.data
}
