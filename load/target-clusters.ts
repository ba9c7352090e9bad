import type { Deadline } from '../check/deadline.ts'
import { deadlineIn } from '../check/deadline.ts'
import { connect } from '../cluster/connection.ts'
import type { Identity } from '../cluster/identity.ts'
import { identify } from '../cluster/identity.ts'
import type { Connections } from '../cluster/snapshot.ts'
import type { LoadSettings, Target } from '../cluster/target.ts'
import { defaultLoadSettings } from '../cluster/target.ts'
import type { ClusterName } from '../platform/platform.ts'
import type { K6Program } from './objects.ts'

const lookMs = 30_000

export type TargetClusters = {
  connections: Connections
  identities: Record<ClusterName, Identity>
  settings: LoadSettings
  k6: K6Program
  /** For a look before anything is made. */
  lookDeadline: () => Deadline
}

/** Connects to both clusters, makes sure that they are the right ones, finds k6 for them, and closes everything again. */
export async function onTarget<T>(
  target: Target,
  signal: AbortSignal,
  use: (clusters: TargetClusters) => Promise<T>,
): Promise<T> {
  const connections: Connections = {
    infra: await connect(target.kubeconfig, target.clusters.infra.context),
    apps: await connect(target.kubeconfig, target.clusters.apps.context),
  }
  const lookDeadline = () => deadlineIn(lookMs, signal)
  try {
    const identities = await identify(target, connections, lookDeadline())
    const settings = target.load ?? defaultLoadSettings
    const k6 = target.kind === 'pair' ? await programOfPair(settings, signal) : { image: settings.k6Image }
    return await use({ connections, identities, settings, k6, lookDeadline })
  } finally {
    await Promise.all([connections.infra.close(), connections.apps.close()])
  }
}

/** The nodes of the pair see this machine's files, and no registry: k6 comes from the folder of the pair's programs. */
async function programOfPair({ serverImage }: LoadSettings, signal: AbortSignal): Promise<K6Program> {
  const { layoutIn } = await import('../fixtures/pair/layout.ts')
  const { ensurePrograms } = await import('../fixtures/pair/programs/programs.ts')
  const { createProgress } = await import('../fixtures/pair/progress.ts')
  const progress = createProgress({ output: process.stderr })
  const request = { names: ['k6'] as const, cache: layoutIn().home, progress, signal }
  const { k6 } = await ensurePrograms(request).finally(() => progress.stop())
  return { image: serverImage, file: k6 }
}
