import type { AddressRange } from './addresses.ts'
import { contains, overlap, rangeOf } from './addresses.ts'
import type { Claim } from './claims.ts'
import type { Figures } from './figures.ts'
import type { Names } from './names.ts'
import type { Fault } from './read-yaml.ts'
import type { ClusterName } from './shapes.ts'
import { clusterNames } from './shapes.ts'
import type { Waiver } from './waivers.ts'

type Path = readonly (string | number)[]
type Placed = { what: string; path: Path; text: string; range: AddressRange }

/** What cannot be true of figures that each look right: ranges that overlap, pools outside the network, ids that are not there. */
export const contradictionsIn = (figures: Figures): Fault[] => [
  ...addressesOutside(figures),
  ...overlaps(rangesOf(figures)),
  ...poolConflicts(figures),
  ...repeated(
    'node name',
    nodesOf(figures).map(({ name, path }) => ({ id: name, path: [...path, 'name'] })),
  ),
  ...repeated(
    'node address',
    nodesOf(figures).map(({ address, path }) => ({ id: address, path: [...path, 'address'] })),
  ),
  ...repeated(
    'component id',
    figures.components.map(({ id }, index) => ({ id, path: ['components', index, 'id'] })),
  ),
  ...repeated(
    'phase',
    figures.phases.map(({ number }, index) => ({ id: String(number), path: ['phases', index, 'number'] })),
  ),
  ...unknownPhases(figures),
  ...unknownComponents(figures),
]

/** Names that are said to be the document's own, without the lines where they stand. */
export const seedsWithoutLines = (names: Names): Fault[] =>
  Object.entries(names).flatMap(([section, entries]) =>
    Object.entries(entries).flatMap(([key, entry]) =>
      'seed' in entry && entry.seed && !('lines' in entry)
        ? [{ path: [section, key], expected: 'lines of the document, since seed is true', found: 'no lines' }]
        : [],
    ),
  )

export const repeatedClaims = (claims: readonly Claim[]): Fault[] =>
  repeated(
    'claim id',
    claims.map(({ id }, index) => ({ id, path: [index, 'id'] })),
  )

/** References to claims that are not in claims.yaml. */
export const unknownClaimsIn = (figures: Figures, claims: readonly Claim[]): Fault[] =>
  unknownClaims(claims, [
    ...figures.components.flatMap((component, index) =>
      referencesOf(component.claims, ['components', index, 'claims']),
    ),
    ...Object.entries(figures.objectives).flatMap(([key, objective]) =>
      referencesOf(objective.claims, ['objectives', key, 'claims']),
    ),
  ])

export const unknownWaived = (waivers: readonly Waiver[], claims: readonly Claim[]): Fault[] =>
  unknownClaims(
    claims,
    waivers.map(({ claim }, index) => ({ claim, path: [index, 'claim'] })),
  )

const referencesOf = (claims: readonly string[], path: Path) =>
  claims.map((claim, index) => ({ claim, path: [...path, index] }))

function unknownClaims(claims: readonly Claim[], references: readonly { claim: string; path: Path }[]): Fault[] {
  const known = new Set(claims.map(({ id }) => id))
  return references
    .filter(({ claim }) => !known.has(claim))
    .map(({ claim, path }) => ({ path, expected: 'the id of a claim in claims.yaml', found: claim }))
}

function repeated(what: string, all: readonly { id: string; path: Path }[]): Fault[] {
  const seen = new Set<string>()
  return all.flatMap(({ id, path }) => {
    if (seen.has(id)) return [{ path, expected: `a ${what} of its own`, found: `${id}, a second time` }]
    seen.add(id)
    return []
  })
}

const nodesOf = ({ clusters }: Figures) =>
  clusterNames.flatMap((cluster) =>
    clusters[cluster].nodes.map(({ name, address }, index) => ({
      name,
      address,
      path: ['clusters', cluster, 'nodes', index],
    })),
  )

const poolOf = ({ clusters }: Figures, cluster: ClusterName): Placed => {
  const { start, stop } = clusters[cluster].loadBalancerPool
  return {
    what: `the LoadBalancer pool of ${cluster}`,
    path: ['clusters', cluster, 'loadBalancerPool'],
    text: `${start}-${stop}`,
    range: rangeOf(start, stop),
  }
}

const rangesOf = ({ nodeNetwork, clusters }: Figures): Placed[] => [
  {
    what: 'the node network',
    path: ['nodeNetwork', 'value'],
    text: nodeNetwork.value,
    range: rangeOf(nodeNetwork.value),
  },
  ...clusterNames.flatMap((cluster) =>
    (['podCIDR', 'serviceCIDR'] as const).map((key) => {
      const { value } = clusters[cluster][key]
      return {
        what: `${key} of ${cluster}`,
        path: ['clusters', cluster, key, 'value'],
        text: value,
        range: rangeOf(value),
      }
    }),
  ),
]

const overlaps = (ranges: readonly Placed[]): Fault[] =>
  ranges.flatMap((one, index) =>
    ranges.slice(0, index).flatMap((other) =>
      overlap(one.range, other.range)
        ? [
            {
              path: one.path,
              expected: 'a range of its own',
              found: `${one.text}, which overlaps ${other.what} (${other.text})`,
            },
          ]
        : [],
    ),
  )

function addressesOutside(figures: Figures): Fault[] {
  const network = figures.nodeNetwork.value
  const nodes = nodesOf(figures).map(({ address, path }) => ({
    path: [...path, 'address'],
    text: address,
    range: rangeOf(address),
  }))
  const pools = clusterNames.map((cluster) => poolOf(figures, cluster))
  return [...nodes, ...pools]
    .filter(({ range }) => !contains(rangeOf(network), range))
    .map(({ path, text }) => ({ path, expected: `inside the node network ${network}`, found: text }))
}

function poolConflicts(figures: Figures): Fault[] {
  const pools = clusterNames.map((cluster) => poolOf(figures, cluster))
  const taken = [
    { what: 'the router', text: figures.router.address },
    ...nodesOf(figures).map(({ name, address }) => ({ what: `node ${name}`, text: address })),
  ]
  const backwards = pools
    .filter(({ range }) => range.first > range.last)
    .map(({ path, text }) => ({ path, expected: 'a start that is not behind the stop', found: text }))
  const conflicts = pools.flatMap(({ path, range, text }) =>
    taken
      .filter((other) => overlap(range, rangeOf(other.text)))
      .map((other) => ({
        path,
        expected: 'a pool without addresses in use',
        found: `${text}, which holds ${other.what} (${other.text})`,
      })),
  )
  return [...backwards, ...conflicts, ...overlaps(pools)]
}

function unknownPhases({ phase, phases, components }: Figures): Fault[] {
  const known = phases.map(({ number }) => number)
  const used = [
    { phase, path: ['phase'] },
    ...components.map((one, index) => ({ phase: one.phase, path: ['components', index, 'phase'] })),
  ]
  return used
    .filter((one) => !known.includes(one.phase))
    .map((one) => ({ path: one.path, expected: `one of the phases ${known.join(', ')}`, found: String(one.phase) }))
}

function unknownComponents({ clusters, components }: Figures): Fault[] {
  const known = new Set([...components.map(({ id }) => id), 'linkerd-proxies'])
  return clusterNames.flatMap((cluster) =>
    clusters[cluster].budgets.flatMap(({ component }, index) =>
      known.has(component)
        ? []
        : [
            {
              path: ['clusters', cluster, 'budgets', index, 'component'],
              expected: 'the id of a component, or linkerd-proxies',
              found: component,
            },
          ],
    ),
  )
}
