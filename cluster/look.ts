import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { parseListing } from '../check/parse-listing.ts'
import type { Listing, Snapshot, Source } from '../check/source.ts'
import type { Names } from '../platform/platform.ts'
import { nodes } from './kinds/core.ts'
import { observeAll } from './observe.ts'
import type { Raised } from './probes/probes.ts'
import { newRun } from './own-namespace.ts'
import { exportingLabels, raiseProbes } from './probes/probes.ts'
import type { Connections } from './snapshot.ts'
import { takeSnapshot } from './snapshot.ts'

/** Upstream's image for tests of clusters: netexec answers about itself, nc joins a command with a connection. */
export const defaultProbeImage = 'registry.k8s.io/e2e-test-images/agnhost:2.53'

const probesBudgetMs = 90_000

export type Looking = {
  names: Names
  deadline: Deadline
  /** Creates nothing: what needs probes is unsupported. */
  readOnly: boolean
  probeImage?: string | undefined
  /** Told when all lists are there and observing begins. */
  onListed?: () => void
  /** Told of what takes a while. */
  tell?: (text: string) => void
}

type NotListed = Exclude<Listing, { state: 'listed' }>

/**
 * Everything that the checks of a run rest on: the lists of both clusters, then what observers find out by acting.
 * Probe pods are made only if something planned needs them, and are gone again when this returns, however it ends.
 */
export async function lookAtClusters(
  connections: Connections,
  sources: readonly Source<unknown>[],
  { names, deadline, readOnly, probeImage = defaultProbeImage, onListed = () => {}, tell = () => {} }: Looking,
): Promise<Snapshot> {
  const observed = sources.filter(({ from }) => from.type === 'observation')
  const needProbes = observed.some(({ from }) => from.type === 'observation' && from.needsProbes)
  const lists = sources.filter(({ from }) => from.type !== 'observation')
  const listed = await takeSnapshot(
    connections,
    needProbes && !lists.includes(nodes) ? [...lists, nodes] : lists,
    names,
    deadline,
  )
  onListed()
  if (observed.length === 0) return listed
  const raising =
    readOnly || !needProbes ? undefined : raise(connections, listed, { names, probeImage, deadline, tell })
  try {
    return await observeAll(observed, listed, {
      connections,
      names,
      deadline,
      tell,
      probes: async () => {
        if (!raising) return { state: 'absent', reason: 'probes are off (--read-only)' }
        const raised = await raising
        return 'state' in raised ? raised : raised.probes
      },
    })
  } finally {
    const raised = await raising
    if (raised && !('state' in raised)) {
      await raised
        .remove()
        .catch((error: unknown) => tell(`the probes were not removed: ${messageOf(error)}; pnpm sweep removes them`))
    }
  }
}

async function raise(
  connections: Connections,
  listed: Snapshot,
  {
    names,
    probeImage,
    deadline,
    tell,
  }: { names: Names; probeImage: string; deadline: Deadline; tell: (text: string) => void },
): Promise<Raised | NotListed> {
  const site = (cluster: 'infra' | 'apps') => ({
    connection: connections[cluster],
    image: probeImage,
    nodes: nodeNames(listed[cluster][nodes.id]),
    exporting: exportingLabels(names),
  })
  try {
    tell('probes: one meshed and one unmeshed pod on every node, removed at the end')
    return await raiseProbes(
      newRun(),
      { infra: site('infra'), apps: site('apps') },
      deadlineIn(probesBudgetMs, deadline.signal),
    )
  } catch (error) {
    return { state: 'unreachable', reason: `there are no probes: ${messageOf(error)}` }
  }
}

function nodeNames(listing: Listing | undefined): string[] {
  if (listing?.state !== 'listed') throw new Error('the nodes were not listed')
  return parseListing(listing, nodes).items.map((node) => (node as { metadata: { name: string } }).metadata.name)
}
