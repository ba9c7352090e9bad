import { check } from '../check/check.ts'
import { optional } from '../check/source.ts'
import { services } from '../cluster/kinds/core.ts'
import { httpRoutes } from '../cluster/kinds/platform.ts'
import { trafficSplits } from '../cluster/kinds/policy.ts'
import type { Names } from '../platform/platform.ts'
import { nameOfObject } from '../check/check.ts'

type Service = { metadata: { name: string; namespace?: string | undefined; labels: Record<string, string> } }
type Backends = { kind: string; metadata: { name: string; namespace?: string | undefined }; backends: string[] }

const isMirror = ({ metadata }: Service, { labels }: Names) => metadata.labels[labels.mirrored.key] !== undefined

/** Federated Services balance over clusters by themselves. */
const federatedKey = 'multicluster.linkerd.io/remote-discovery'

export const secondBackendExists = check({
  claim: 'MESH-15',
  on: 'across',
  fact: 'on apps, something sends the requests of a Service to another cluster when its own backend is gone',
  reads: { services, splits: optional(trafficSplits), routes: optional(httpRoutes) },
  population: 'TrafficSplits, HTTPRoutes of Services and federated Services on apps',
  atLeast: 1,
  expected: 'a backend on each cluster, both Services that exist and get requests',
  subjects: ({ apps }): Backends[] => [
    ...apps.splits.map(({ kind, metadata, spec }) => ({
      kind,
      metadata,
      backends: spec.backends
        .filter(({ weight }) => Number.parseFloat(String(weight)) > 0)
        .map(({ service }) => service),
    })),
    ...apps.routes
      .filter(({ spec }) => spec.parentRefs.some(({ kind }) => kind === 'Service'))
      .map(({ kind, metadata, spec }) => ({
        kind,
        metadata,
        backends: spec.rules.flatMap(({ backendRefs }) =>
          backendRefs.filter(({ weight }) => weight > 0).map(({ name }) => name),
        ),
      })),
    ...apps.services
      .filter(({ metadata }) => metadata.annotations[federatedKey] !== undefined)
      .map(({ kind, metadata }) => ({
        kind,
        metadata,
        backends: metadata.annotations[federatedKey]?.split(',') ?? [],
      })),
  ],
  name: (one) => ({ cluster: 'apps', ...nameOfObject(one) }),
  holds: ({ kind, metadata, backends }, { names }, { apps }) => {
    if (backends.length < 2) return `has ${backends.length === 0 ? 'no backend' : `no backend but ${backends.join()}`}`
    if (kind === 'Service') return true
    const own = apps.services.filter((service) => service.metadata.namespace === metadata.namespace)
    const found = backends.map((name) => own.find((service) => service.metadata.name === name))
    const gone = backends.filter((_, index) => found[index] === undefined)
    if (gone.length > 0) return `has the backend ${gone.join(', ')}, which does not exist`
    const mirrors = found.filter((service) => service && isMirror(service, names)).length
    return (mirrors > 0 && mirrors < backends.length) || 'has backends of one cluster only'
  },
  disputed: true,
})
