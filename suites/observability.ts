import { check } from '../check/check.ts'
import { absent } from '../check/absent.ts'
import { optional, required } from '../check/source.ts'
import { apiServices, daemonSets, deployments, nodes, pods, services, statefulSets } from '../cluster/kinds/core.ts'
import { alertmanagers, metricsAgents, metricsClusters, metricsSingles } from '../cluster/kinds/platform.ts'
import type { ClusterName, Component, Figures } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { isImage } from './images.ts'
import {
  allContainers,
  conditionIs,
  expectedObjects,
  isRunning,
  located,
  missing,
  nameOfExpected,
  nameOfLocated,
  workloadHealth,
} from './objects.ts'
import { componentHealth, runsNowhere } from './workloads.ts'

const workloadReads = { deployments, statefulSets, daemonSets, nodes }

function componentOf(figures: Figures, id: string): Component {
  const found = figures.components.find((component) => component.id === id)
  if (!found) throw new Error(`platform.yaml names no component ${id}`)
  return found
}

/** A component that the document wants on infra is there and healthy. */
const availableOnInfra = (claim: string, id: string, fact: string) =>
  check({
    claim,
    on: 'infra',
    fact,
    reads: workloadReads,
    population: 'components',
    atLeast: 1,
    expected: 'an available workload, found by its image',
    subjects: (_, { figures }) => [componentOf(figures, id)],
    name: ({ name }) => ({ subject: name, look: 'get deployments,statefulsets,daemonsets -A' }),
    holds: (component, _, read) => componentHealth(component, read),
  })

/** A component that the document wants on infra only is on no pod of apps; the detector is shown those of infra first. */
const nowhereOnApps = (claim: string, id: string, fact: string) =>
  absent({
    claim,
    on: 'across',
    fact,
    reads: { pods },
    population: 'running pods of apps',
    atLeast: 20,
    because: 'the control plane of three nodes alone has a dozen',
    expected: 'another image',
    subjects: ({ apps }) => located('apps', apps.pods.filter(isRunning)),
    name: nameOfLocated,
    detector: ({ object }, { figures }) => {
      const { images, name } = componentOf(figures, id)
      const found = allContainers(object).find(({ image }) => images.some((known) => isImage(image, known)))
      return found === undefined ? undefined : `runs ${name} (${found.image})`
    },
    calibrate: ({ infra }, { figures }) => {
      const { images } = componentOf(figures, id)
      const own = infra.pods.filter((pod) =>
        allContainers(pod).some(({ image }) => images.some((known) => isImage(image, known))),
      )
      return located('infra', own.slice(0, 1))
    },
  })

type Operated = {
  metadata: { generation?: number | undefined }
  status: { updateStatus?: string | undefined; observedGeneration?: number | undefined }
}

/** `true`, or what the operator of VictoriaMetrics says of an object; stale when that speaks of an older generation. */
function isOperational({ metadata, status }: Operated): true | string {
  if (status.updateStatus !== 'operational') return `is ${status.updateStatus ?? 'in no state'}`
  const { generation } = metadata
  const stale =
    generation !== undefined && status.observedGeneration !== undefined && status.observedGeneration < generation
  return !stale || `was operational at generation ${status.observedGeneration}, is at ${generation}`
}

export const metricsStore = check({
  claim: 'OBS-01',
  on: 'infra',
  fact: 'the metrics store of infra is operational',
  reads: { clusters: optional(metricsClusters), singles: optional(metricsSingles) },
  population: 'metrics stores',
  atLeast: 1,
  expected: 'updateStatus operational',
  subjects: (read) => [...read.clusters, ...read.singles],
  holds: isOperational,
})

const partsOfStore = ['victoriametrics/vminsert', 'victoriametrics/vmselect', 'victoriametrics/vmstorage']

export const metricsStoreRuns = check({
  claim: 'OBS-01',
  on: 'infra',
  fact: 'the programs of the metrics store are available on infra',
  reads: workloadReads,
  population: 'programs of the metrics store',
  atLeast: 1,
  because: 'a single store is one program, a cluster three',
  expected: 'an available workload, found by its image',
  subjects: (read, { figures }) => {
    const store = componentOf(figures, 'victoria-metrics-store')
    const whole = store.images.filter((image) => !partsOfStore.includes(image))
    const single = { ...store, name: 'the single metrics store', images: whole }
    if (componentHealth(single, read) !== runsNowhere) return [single]
    return partsOfStore.map((image) => ({ ...store, name: image, images: [image] }))
  },
  name: ({ name }) => ({ subject: name, look: 'get deployments,statefulsets -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})
export const noMetricsStoreOnApps = nowhereOnApps('OBS-01', 'victoria-metrics-store', 'no metrics store runs on apps')

export const agentWritesToInfra = check({
  claim: 'OBS-02',
  on: 'across',
  fact: 'the metrics agent of apps writes to a mirrored Service of infra',
  reads: { agents: required(metricsAgents), services },
  population: 'remote-write targets of apps',
  atLeast: 1,
  expected: ({ names }) => `a Service of apps that is mirrored from infra (${names.mirroring.suffix.name})`,
  subjects: ({ apps }) =>
    apps.agents.flatMap((agent) =>
      agent.spec.remoteWrite.map(({ url }) => ({ cluster: 'apps' as ClusterName, object: agent, url })),
    ),
  name: nameOfLocated,
  holds: ({ url, object }, { names }, { apps }) => {
    const operational = isOperational(object)
    if (operational !== true) return operational
    const [service, namespace] = URL.canParse(url) ? new URL(url).hostname.split('.') : []
    const found = apps.services.find(
      ({ metadata }) => metadata.name === service && metadata.namespace === (namespace ?? object.metadata.namespace),
    )
    if (!found) return `writes to ${url}, which is no Service of apps`
    if (found.metadata.labels[names.labels.mirroredFrom.key] !== names.labels.mirroredFrom.value)
      return `writes to ${url}, which is not mirrored from infra`
    const { name } = names.mirroredServices.metricsWrite
    const { port } = names.services.metricsWrite
    return (
      (service === name && new URL(url).port === String(port)) || `writes to ${url}, not to port ${port} of ${name}`
    )
  },
})

export const agentRuns = check({
  claim: 'OBS-02',
  on: 'apps',
  fact: 'the metrics agent runs on apps',
  reads: workloadReads,
  population: 'components',
  atLeast: 1,
  expected: 'an available workload, found by its image',
  subjects: (_, { figures }) => [componentOf(figures, 'vmagent')],
  name: ({ name }) => ({ subject: name, look: 'get deployments -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})

export const grafana = availableOnInfra('OBS-07', 'grafana', 'Grafana is available on infra')
export const noGrafanaOnApps = nowhereOnApps('OBS-07', 'grafana', 'Grafana does not run on apps')
export const kromgo = availableOnInfra('OBS-08', 'kromgo', 'Kromgo is available on infra')
export const logStore = availableOnInfra('OBS-20', 'victoria-logs', 'the log store is available on infra')
export const noLogStoreOnApps = nowhereOnApps('OBS-20', 'victoria-logs', 'no log store runs on apps')

export const logCollectors = check({
  claim: 'OBS-21',
  fact: 'a log collector runs on every node',
  reads: workloadReads,
  population: 'components',
  atLeast: 1,
  expected: 'a DaemonSet that is ready on every node',
  subjects: (_, { figures }) => [componentOf(figures, 'fluent-bit')],
  name: ({ name }) => ({ subject: name, look: 'get daemonsets -A' }),
  holds: (component, _, read) => componentHealth(component, { ...read, deployments: [], statefulSets: [] }),
})

export const jaeger = availableOnInfra('OBS-30', 'jaeger', 'Jaeger is available on infra')
export const noJaegerOnApps = nowhereOnApps('OBS-30', 'jaeger', 'Jaeger does not run on apps')

const otlpPorts = [4317, 4318]

export const jaegerAcceptsOTLP = check({
  claim: 'OBS-30',
  on: 'infra',
  fact: 'a Service of Jaeger offers both OTLP ports',
  reads: { services },
  population: 'collector Services of Jaeger',
  atLeast: 1,
  expected: `ports ${otlpPorts.join(' and ')}`,
  subjects: (read, { names }) =>
    expectedObjects('Service', namespaceOf(names, 'jaeger'), [names.services.jaegerCollector.name], read.services),
  name: nameOfExpected,
  holds: ({ found }) => {
    if (!found) return missing
    const lacking = otlpPorts.filter((port) => !found.spec.ports.some((offered) => offered.port === port))
    return lacking.length === 0 || `does not offer ${lacking.join(', ')}`
  },
})

export const vizAvailable = check({
  claim: 'OBS-50',
  fact: 'Linkerd Viz is available',
  reads: { deployments },
  population: 'Deployments of Linkerd Viz',
  atLeast: 4,
  because: 'metrics-api, tap, tap-injector and web',
  expected: 'rolled out and available',
  subjects: (read, { names }) => {
    const { vizMetricsApi, vizTap, vizTapInjector, vizWeb } = names.workloads
    const expected = [vizMetricsApi, vizTap, vizTapInjector, vizWeb].map(({ name }) => name)
    return expectedObjects('Deployment', namespaceOf(names, 'linkerdViz'), expected, read.deployments)
  },
  name: nameOfExpected,
  holds: ({ found }) => (found ? workloadHealth(found) : missing),
})

export const tapServed = check({
  claim: 'OBS-50',
  fact: 'the API server reaches the tap API of Linkerd Viz',
  reads: { apiServices },
  population: 'tap APIServices',
  atLeast: 1,
  expected: 'Available',
  subjects: (read) => expectedObjects('APIService', undefined, ['v1alpha1.tap.linkerd.io'], read.apiServices),
  name: nameOfExpected,
  holds: ({ found }) => (found ? conditionIs(found, 'Available') : missing),
})

export const alertmanagerOperational = check({
  claim: 'OBS-60',
  on: 'infra',
  fact: 'Alertmanager is operational on infra',
  reads: { alertmanagers: required(alertmanagers) },
  population: 'Alertmanagers',
  atLeast: 1,
  expected: 'updateStatus operational',
  subjects: (read) => read.alertmanagers,
  holds: isOperational,
})

export const alertmanagerRuns = availableOnInfra(
  'OBS-60',
  'alertmanager',
  'the programs of Alertmanager are available on infra',
)
