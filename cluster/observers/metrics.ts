import { setTimeout as sleep } from 'node:timers/promises'
import type { Series } from '../clients/promql.ts'
import type { Observer } from '../observe.ts'
import { openStore } from './metrics-store.ts'
import { queriesAbout } from './queries.ts'
import { clusterLabel, endpointOnInfra } from './telemetry-endpoints.ts'

const pauseMs = 3_000
/** Four answers of one length, three seconds apart, outlast a round of scrapes. */
const sameAnswers = 4
/** What is left of the time when waiting for the first samples ends. */
const reserveMs = 15_000

/** Asks the store on infra everything that is to be known of the cluster, and again what has no answer yet. */
export const observeMetrics: Observer = async (observing) => {
  const { here, names, deadline } = observing
  const ask = await openStore(endpointOnInfra(observing, 'metricsQuery'), deadline)
  let open = queriesAbout(here.cluster, clusterLabel(names))
  const answers = new Map<string, { query: string; series: Series[] }>()
  const lengths = new Map<string, number[]>()
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each round asks what the one before left open
    const round = await Promise.all(open.map(async (query) => ({ ...query, series: await ask(query.expression) })))
    for (const { name, expression, series } of round) answers.set(name, { query: expression, series })
    for (const { name, series } of round) lengths.set(name, [...(lengths.get(name) ?? []), series.length])
    open = round.filter(
      ({ name, series, least, settles }) => series.length < least || (settles && !hasSettled(lengths.get(name) ?? [])),
    )
    if (open.length === 0 || deadline.remainingMs() < reserveMs) break
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
  return [...answers].map(([name, answer]) => ({ metadata: { name }, ...answer }))
}

const hasSettled = (lengths: readonly number[]): boolean =>
  lengths.length >= sameAnswers && new Set(lengths.slice(-sameAnswers)).size === 1
