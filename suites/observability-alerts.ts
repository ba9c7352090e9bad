import { check } from '../check/check.ts'
import { customResourceDefinitions, deployments } from '../cluster/kinds/core.ts'
import type { AlertRule } from '../cluster/kinds/alerting.ts'
import { alertRouting, alertRules, silenceSteps } from '../cluster/kinds/alerting.ts'
import type { QueryResult } from '../cluster/kinds/telemetry.ts'
import { metrics } from '../cluster/kinds/telemetry.ts'
import type { ClusterName, Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { receiversOf } from './alert-routes.ts'
import { conditionIs, expectedObjects, missing, nameOfExpected, unlessOneIsEmpty, workloadHealth } from './objects.ts'

/** A rule is evaluated every half minute or so; one that was not for this long is not evaluated any more. */
const freshMs = 300_000

/** What has to be watched: by which metric of proxies, and whether the store has any of the cluster. */
const watched = [
  { what: 'success rate', metric: 'response_total', query: 'requests' },
  { what: 'latency', metric: 'response_latency_ms_bucket', query: 'latency-p99' },
] as const

const sameMetric = (query: string, metric: string) =>
  new RegExp(`\\b${metric.replace(/_bucket$/, '')}\\w*\\b`).test(query)

/** Whether the selectors of an expression let series of the cluster through. */
function looksAt(query: string, cluster: ClusterName, names: Names): boolean {
  const { key } = names.labels.metricsCluster
  const matchers = [...query.matchAll(new RegExp(`\\b${key}\\s*(=~|!~|!=|=)\\s*"([^"]*)"`, 'g'))]
  return matchers.every(([, sign = '=', value = '']) => {
    const isLike = sign.endsWith('~') ? new RegExp(`^(?:${value})$`).test(cluster) : value === cluster
    return sign.startsWith('!') ? !isLike : isLike
  })
}

/** Why an alert would not be raised, though it is there. */
function faultOf({ health, lastError, lastEvaluation, seriesFetched }: AlertRule, now: Date): string | undefined {
  if (health !== 'ok') return `cannot be evaluated (${lastError === '' ? health : lastError})`
  const ageMs = now.getTime() - Date.parse(lastEvaluation)
  if (!(ageMs < freshMs)) return `was last evaluated at ${lastEvaluation}`
  return seriesFetched === 0 ? 'finds no series' : undefined
}

const seriesIn = (answers: readonly QueryResult[], query: string) =>
  answers.find(({ metadata }) => metadata.name === query)?.series ?? []

export const alertsWatchServices = check({
  claim: 'OBS-61',
  fact: 'alerts that are evaluated watch the success rate and the latency of services by the metrics of their proxies',
  reads: { rules: alertRules, answers: metrics },
  population: 'golden metrics',
  atLeast: watched.length,
  because: 'success rate and latency',
  expected: 'an alert over that metric of this cluster, evaluated in the last minutes without an error',
  // Whoever evaluates nothing at all says nothing about a single alert.
  subjects: ({ rules }) => (rules.length === 0 ? [] : watched),
  name: ({ what }) => ({ subject: what, look: 'get vmrules,vmalerts -A' }),
  holds: ({ metric, query }, { cluster, names, now }, { rules, answers }) => {
    const about = rules.filter((rule) => sameMetric(rule.query, metric) && looksAt(rule.query, cluster, names))
    if (about.length === 0)
      return `is watched by none of the ${rules.length} alerts: none is over ${metric} of ${cluster}`
    if (seriesIn(answers, query).length === 0) return `has no series of ${cluster} that an alert could watch`
    const faults = about.map((rule) => ({ rule, fault: faultOf(rule, now) }))
    return (
      faults.some(({ fault }) => fault === undefined) ||
      `is watched by alerts that do not work: ${faults.map(({ rule, fault }) => `${rule.metadata.name} ${fault}`).join(', ')}`
    )
  },
})

export const configurationIsLoaded = check({
  claim: 'OBS-60',
  on: 'infra',
  fact: 'Alertmanager runs with a configuration of its own',
  reads: { configurations: alertRouting },
  population: 'configurations of Alertmanager',
  atLeast: 1,
  expected: 'a receiver that reaches somebody, which neither the built-in example nor the fallback of the operator has',
  subjects: ({ configurations }) => configurations,
  name: () => ({ subject: 'Alertmanager', look: '-n monitoring get vmalertmanagers,secrets' }),
  holds: ({ receivers }) =>
    receivers.some(({ channels }) => channels.length > 0) ||
    `runs with ${receivers.map(({ name }) => name).join(', ') || 'no receiver'}, which reaches nobody`,
})

/** As an alert of the mesh would come. */
const alertOf = (severity: string) => ({ alertname: 'LinkerdSuccessRateLow', cluster: 'infra', severity })

export const criticalAlertsReachBridge = check({
  claim: 'OBS-62',
  on: 'infra',
  fact: 'Alertmanager sends critical alerts to a webhook, as a bridge to GitHub issues would be',
  reads: { configurations: alertRouting },
  population: 'configurations of Alertmanager',
  atLeast: 1,
  expected: 'a route for severity="critical" to a receiver with a webhook, which others do not take',
  subjects: ({ configurations }) => configurations,
  name: () => ({ subject: 'Alertmanager', look: '-n monitoring get vmalertmanagers,secrets' }),
  holds: ({ route, receivers }) => {
    const toWebhook = (severity: string) =>
      receiversOf(route, alertOf(severity)).filter((name) =>
        receivers.find((receiver) => receiver.name === name)?.channels.includes('webhook'),
      )
    const critical = receiversOf(route, alertOf('critical'))
    const bridges = toWebhook('critical')
    if (bridges.length === 0)
      return `sends critical alerts to ${critical.join(', ') || 'nobody'}, none of which has a webhook`
    const own = bridges.filter((name) => !toWebhook('warning').includes(name))
    return own.length > 0 || `sends alerts of every severity to ${bridges.join(', ')}: each would become an issue`
  },
  disputed: true,
})

export const severalChannels = check({
  claim: 'OBS-63',
  on: 'infra',
  fact: 'Alertmanager sends alerts by more than one channel',
  reads: { configurations: alertRouting },
  population: 'configurations of Alertmanager',
  atLeast: 1,
  expected: 'two kinds of channels among the receivers that alerts are routed to',
  subjects: ({ configurations }) => configurations,
  name: () => ({ subject: 'Alertmanager', look: '-n monitoring get vmalertmanagers,secrets' }),
  holds: ({ route, receivers }) => {
    const reached = ['critical', 'warning', 'info'].flatMap((severity) => receiversOf(route, alertOf(severity)))
    const channels = new Set(
      receivers.filter(({ name }) => reached.includes(name)).flatMap((receiver) => receiver.channels),
    )
    return (
      channels.size >= 2 ||
      `reaches ${[...new Set(reached)].join(', ')} by ${channels.size === 0 ? 'no channel' : `${[...channels].join()} only`}`
    )
  },
  disputed: true,
})

const silenceGroup = /^(observability|monitoring)\.giantswarm\.io$/

export const silenceKind = check({
  claim: 'OBS-64',
  on: 'infra',
  fact: 'silences can be asked for by objects',
  reads: { definitions: customResourceDefinitions },
  population: 'kinds of the silence operator',
  atLeast: 1,
  expected: 'a CustomResourceDefinition of the kind Silence, established',
  subjects: ({ definitions }) =>
    unlessOneIsEmpty([definitions], [definitions.find(({ spec }) => isSilence(spec))] as const).map((found) => ({
      kind: 'CustomResourceDefinition',
      name: found?.metadata.name ?? 'silences.observability.giantswarm.io',
      found,
    })),
  name: nameOfExpected,
  holds: ({ found }) => (found ? conditionIs(found, 'Established') : missing),
  disputed: true,
})

const isSilence = ({ group, names: { kind } }: { group: string; names: { kind: string } }) =>
  silenceGroup.test(group) && kind === 'Silence'

export const silenceOperatorRuns = check({
  claim: 'OBS-64',
  on: 'infra',
  fact: 'the silence operator is available',
  reads: { deployments },
  population: 'Deployments of the silence operator',
  atLeast: 1,
  expected: 'rolled out and available',
  subjects: (read, { names }) => {
    const { name, namespace = 'metrics' } = names.workloads.silenceOperator
    return unlessOneIsEmpty(
      [read.deployments],
      expectedObjects('Deployment', namespaceOf(names, namespace), [name], read.deployments),
    )
  },
  name: nameOfExpected,
  holds: ({ found }) => (found ? workloadHealth(found) : missing),
  disputed: true,
})

export const silencesFollowObjects = check({
  claim: 'OBS-64',
  on: 'infra',
  fact: 'a Silence object becomes a silence of Alertmanager, and ends it when it is deleted',
  reads: { steps: silenceSteps },
  population: 'steps of a silence',
  atLeast: 2,
  because: 'it begins, and it ends',
  expected: 'the silence in Alertmanager, made by an operator',
  subjects: ({ steps }) => steps,
  name: ({ metadata }) => ({ subject: `a silence that ${metadata.name}`, look: '-n monitoring get deployments,pods' }),
  holds: ({ outcome, detail, createdBy, tookMs }) => {
    if (outcome === 'no such kind') return `cannot be asked for: ${detail}`
    if (outcome === 'not tried') return `was not tried: ${detail}`
    if (outcome !== 'followed') return `did not follow within ${Math.round(tookMs / 1_000)} s: ${detail}`
    return createdBy === 'silence-operator' || `was made by ${createdBy ?? 'nobody'}, not by the operator`
  },
  disputed: true,
})
