import { check } from '../check/check.ts'
import type { Lists } from '../check/source.ts'
import { logLines, logStructure } from '../cluster/kinds/telemetry.ts'
import type { Names } from '../platform/platform.ts'

const reads = { lines: logLines }
type Line = Lists<typeof reads>['lines'][number]

const nameOfLine = ({ metadata, node }: Line) => ({ subject: `line of ${metadata.name} on ${node}` })
const population = 'lines, one written on each node'
const notFound = ({ waitedMs }: Line) => `was not in the log store within ${Math.round(waitedMs / 1_000)} s`

/** Fields that tell where a line is from, which have another value or none. */
function wrongOrigin({ fields, metadata }: Line): string | undefined {
  const expected = { 'kubernetes.namespace_name': metadata.namespace, 'kubernetes.pod_name': metadata.name }
  const wrong = Object.entries(expected).filter(([key, value]) => fields[key] !== value)
  return wrong.length === 0
    ? undefined
    : `arrived with ${wrong.map(([key]) => `${key} ${fields[key] ?? 'missing'}`).join(', ')}`
}

function wrongCluster({ fields }: Line, cluster: string, { labels }: Names): string | undefined {
  const { key } = labels.cluster
  return fields[key] === cluster ? undefined : `arrived with ${key} ${fields[key] ?? 'missing'}`
}

export const logStoreAnswers = check({
  claim: 'OBS-20',
  on: 'infra',
  fact: 'the log store of infra gives back what was just written on infra',
  reads,
  population,
  atLeast: ({ documented }) => documented.nodes.length,
  expected: 'an entry with the line in it',
  subjects: ({ lines }) => lines,
  name: nameOfLine,
  holds: (line) => line.tookMs !== undefined || notFound(line),
})

export const linesOfEveryNode = check({
  claim: 'OBS-21',
  fact: 'a line that a pod writes on any node is collected, with the names of its pod, namespace and cluster',
  reads,
  population,
  atLeast: ({ documented }) => documented.nodes.length,
  expected: 'an entry in the log store that names pod, namespace and cluster',
  subjects: ({ lines }) => lines,
  name: nameOfLine,
  holds: (line, { cluster, names }) => {
    if (line.tookMs === undefined) return notFound(line)
    return wrongOrigin(line) ?? wrongCluster(line, cluster, names) ?? true
  },
})

export const linesOfAppsOnInfra = check({
  claim: 'OBS-24',
  on: 'across',
  fact: 'lines that pods of apps write arrive in the log store on infra',
  reads,
  population: 'lines, one written on each node of apps',
  atLeast: ({ figures }) => figures.clusters.apps.nodes.length,
  expected: 'an entry with the line in it, marked as one of apps',
  subjects: ({ apps }) => apps.lines,
  name: (line) => ({ ...nameOfLine(line), cluster: 'apps' }),
  holds: (line, { names }) =>
    line.tookMs === undefined ? notFound(line) : (wrongCluster(line, 'apps', names) ?? true),
})

/** Namespaces whose entries are not all of containers, such as events, have less than all. */
const leastShare = 0.95

export const entriesAreStructured = check({
  claim: 'OBS-22',
  fact: 'entries of the log store are records with fields, not bare text',
  reads: { namespaces: logStructure },
  population: 'namespaces with entries of the last ten minutes',
  atLeast: 1,
  expected: `pod and container in fields of their own, in ${leastShare * 100} % of the entries`,
  subjects: ({ namespaces }) => namespaces.filter(({ entries }) => entries > 0),
  name: ({ metadata }) => ({ subject: `namespace ${metadata.name}` }),
  holds: ({ entries, structured }) =>
    structured / entries >= leastShare ||
    `has ${entries - structured} of ${entries} entries that name no pod and container`,
})
