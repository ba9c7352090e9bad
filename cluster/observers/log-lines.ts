import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import type { LogEntry } from '../clients/logs.ts'
import { queryLogs } from '../clients/logs.ts'
import { deadlineIn } from '../../check/deadline.ts'
import type { Observer } from '../observe.ts'
import { probeNamespace, probePort } from '../probes/objects.ts'
import { clusterLabel, endpointOnInfra } from './telemetry-endpoints.ts'

const patienceMs = 45_000
const pauseMs = 1_500

/** Lets a probe of every node write a line that nobody else writes, and looks for all of them in the store on infra. */
export const observeLogLines: Observer = async (observing) => {
  const { here, deadline, probes } = observing
  const writers = (probes?.on[here.cluster].pods ?? []).filter(({ role }) => role === 'plain')
  if (writers.length === 0) throw new Error('no probe got ready')
  const get = endpointOnInfra(observing, 'logs')
  const lines = await Promise.all(
    writers.map(async ({ name, node }) => {
      const line = `conformance${randomBytes(8).toString('hex')}`
      const path = `/api/v1/namespaces/${probeNamespace}/pods/${name}:${probePort}/proxy/echo?msg=${line}`
      const { status, text } = await here.connection.get(path, deadline)
      if (status !== 200)
        throw new Error(`probe ${name} did not write a line: it answered ${status} ${text.slice(0, 80)}`)
      return { name, node, line }
    }),
  )
  const began = performance.now()
  const patience = deadlineIn(Math.min(patienceMs, deadline.remainingMs() - pauseMs), deadline.signal)
  const arrived = new Map<string, { tookMs: number; fields: LogEntry }>()
  const words = lines.map(({ line }) => `"${line}"`).join(' or ')
  // The text is in `log` where the collector does not say which field holds it.
  const query = `_time:10m (_msg:(${words}) or log:(${words}))`
  while (arrived.size < lines.length && patience.remainingMs() > pauseMs) {
    // oxlint-disable-next-line no-await-in-loop -- until they have arrived
    const entries = await queryLogs(get, query, lines.length * 4, deadline)
    for (const { line } of lines) {
      const fields = entries.find((entry) => [entry['_msg'], entry['log']].some((text) => text?.includes(line)))
      if (fields && !arrived.has(line)) arrived.set(line, { tookMs: Math.round(performance.now() - began), fields })
    }
    // oxlint-disable-next-line no-await-in-loop
    if (arrived.size < lines.length) await sleep(pauseMs, undefined, { signal: deadline.signal })
  }
  const waitedMs = Math.round(performance.now() - began)
  return lines.map(({ name, node, line }) => ({
    metadata: { name, namespace: probeNamespace },
    node,
    line,
    waitedMs,
    fields: {},
    ...arrived.get(line),
  }))
}

/** Counts, by namespace, the entries of the last minutes and those that name where they are from. */
export const observeLogStructure: Observer = async (observing) => {
  const { here, names, deadline } = observing
  const pod = '"kubernetes.pod_name"'
  const container = '"kubernetes.container_name"'
  const query = [
    `_time:10m ${clusterLabel(names)}:=${here.cluster}`,
    `stats by ("kubernetes.namespace_name") count() entries, count() if (${pod}:* ${container}:*) structured`,
  ].join(' | ')
  const rows = await queryLogs(endpointOnInfra(observing, 'logs'), query, 1_000, deadline)
  return rows.map((row) => ({
    metadata: { name: row['kubernetes.namespace_name'] || 'no-namespace' },
    entries: Number(row['entries']),
    structured: Number(row['structured']),
  }))
}
