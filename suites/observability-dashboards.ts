import { check } from '../check/check.ts'
import type { Dashboard, WatchedEndpoint } from '../cluster/kinds/alerting.ts'
import { dashboards, kromgoFigures, watchedEndpoints } from '../cluster/kinds/alerting.ts'
import { deployments, daemonSets, nodes, statefulSets } from '../cluster/kinds/core.ts'
import { componentHealth } from './workloads.ts'

const isOfLinkerd = ({ metadata, tags }: Dashboard) =>
  [metadata.name, ...tags].some((word) => word.toLowerCase().includes('linkerd'))

const wanted = [
  { what: 'of Linkerd', isOne: isOfLinkerd },
  { what: 'of the platform itself', isOne: (one: Dashboard) => !isOfLinkerd(one) },
]

export const dashboardsExist = check({
  claim: 'OBS-06',
  on: 'infra',
  fact: 'Grafana has dashboards of Linkerd and custom ones',
  reads: { dashboards },
  population: 'kinds of dashboards',
  atLeast: wanted.length,
  because: "Linkerd's and custom ones",
  expected: 'a dashboard, found by its title or its tags',
  // A Grafana that shows none may have shown none to this account.
  subjects: (read) => (read.dashboards.length === 0 ? [] : wanted),
  name: ({ what }) => ({ subject: `dashboards ${what}`, look: 'get configmaps -A -l grafana_dashboard' }),
  holds: ({ isOne }, _, read) =>
    read.dashboards.some(isOne) ||
    `do not exist among ${read.dashboards.map(({ metadata }) => metadata.name).join(', ')}`,
  disputed: ({ isOne }) => isOne === isOfLinkerd,
})

export const dashboardsShowData = check({
  claim: 'OBS-06',
  on: 'infra',
  fact: 'the queries of every panel find data',
  reads: { dashboards },
  population: 'dashboards with queries in PromQL',
  atLeast: 1,
  expected: 'a series for each query, asked of the data source through Grafana',
  subjects: (read) => read.dashboards.filter(({ panels }) => panels.some(({ asked }) => asked > 0)),
  name: ({ metadata }) => ({ subject: `dashboard ${metadata.name}` }),
  holds: ({ panels }) => {
    const empty = panels.filter(({ asked, withData }) => withData < asked)
    return (
      empty.length === 0 ||
      `has ${empty.length} of ${panels.length} panels without data: ${empty.map(({ title, detail }) => `${title} (${detail})`).join(', ')}`
    )
  },
  compare: (read) => [
    {
      name: 'panels that could not be asked',
      unit: '',
      documented: 'none',
      observed: read.dashboards.flatMap(({ panels }) => panels.filter(({ asked }) => asked === 0)).length,
    },
  ],
})

export const dataSourceAnswers = check({
  claim: 'OBS-07',
  on: 'infra',
  fact: 'the data sources of Grafana answer what dashboards ask',
  reads: { dashboards },
  population: 'data sources that a dashboard asks by PromQL',
  atLeast: 1,
  expected: 'a series for one of the queries at least, asked through Grafana',
  subjects: (read) => {
    const panels = read.dashboards.flatMap((dashboard) => dashboard.panels).filter(({ asked }) => asked > 0)
    const sum = (key: 'asked' | 'withData') => panels.reduce((total, panel) => total + panel[key], 0)
    const detail = panels.find((panel) => panel.detail !== '')?.detail ?? ''
    return panels.length === 0 ? [] : [{ asked: sum('asked'), withData: sum('withData'), detail }]
  },
  name: () => ({ subject: 'Grafana' }),
  holds: ({ asked, withData, detail }) =>
    withData > 0 || `got no series for any of ${asked} queries${detail === '' ? '' : ` (${detail})`}`,
})

export const kromgoAnswers = check({
  claim: 'OBS-08',
  on: 'infra',
  fact: 'Kromgo answers every figure that it is configured to show',
  reads: { figures: kromgoFigures },
  population: 'figures of Kromgo',
  atLeast: 1,
  expected: 'a value, from the metrics store',
  subjects: ({ figures }) => figures,
  name: ({ metadata }) => ({
    subject: `figure ${metadata.name}`,
    look: '-n observability get configmap kromgo -o yaml',
  }),
  holds: ({ status, value, detail }) =>
    (value !== undefined && value !== '') || `was answered with ${status}${detail === '' ? '' : `: ${detail}`}`,
})

export const gatusRuns = check({
  claim: 'OBS-65',
  on: 'infra',
  fact: 'Gatus is available on infra',
  reads: { deployments, statefulSets, daemonSets, nodes },
  population: 'components',
  atLeast: 1,
  expected: 'an available workload, found by its image',
  subjects: (_, { figures }) => figures.components.filter(({ id }) => id === 'gatus'),
  name: ({ name }) => ({ subject: name, look: 'get deployments -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})

/** Endpoints are asked every minute or so. */
const freshMs = 600_000

const nameOfEndpoint = ({ metadata, group }: WatchedEndpoint) => ({
  subject: `endpoint ${group === '' ? '' : `${group}/`}${metadata.name}`,
})

export const endpointsAreHealthy = check({
  claim: 'OBS-65',
  on: 'infra',
  fact: 'Gatus reports all endpoints that it watches as healthy',
  reads: { endpoints: watchedEndpoints },
  population: 'watched endpoints',
  atLeast: 1,
  expected: 'success in a result of the last minutes',
  subjects: ({ endpoints }) => endpoints,
  name: nameOfEndpoint,
  holds: ({ success, at, detail }, { now }) => {
    if (!success) return `is unhealthy${detail === '' ? '' : `: ${detail}`}`
    return now.getTime() - Date.parse(at) < freshMs || `was last asked at ${at}`
  },
})

export const publicHostsAreWatched = check({
  claim: 'OBS-65',
  on: 'infra',
  fact: 'Gatus watches every public host name of the platform',
  reads: { endpoints: watchedEndpoints },
  population: 'public host names',
  atLeast: 4,
  because: 'Keycloak, GitLab, Harbor and Grafana',
  expected: 'an endpoint at that host',
  // One that watches nothing was not seen to watch.
  subjects: ({ endpoints }, { names }) =>
    endpoints.length === 0 ? [] : Object.values(names.hosts).map(({ name }) => name),
  name: (host) => ({ subject: host }),
  holds: (host, _, { endpoints }) =>
    endpoints.some((endpoint) => endpoint.host === host) ||
    `is not among the hosts that are watched: ${endpoints.map((endpoint) => endpoint.host).join(', ')}`,
})
