import type { EmbeddedPair, Target } from '../cluster/target.ts'
import type { Pair } from '../fixtures/pair/pair.ts'
import type { Platform } from '../platform/platform.ts'

/** Gives the target to `using`, with what plays on the pair if one was needed, and takes down what was started for it, however that ends. Says first what it is. */
export async function withTarget<T>(
  chosen: Target | EmbeddedPair,
  platform: Platform,
  signal: AbortSignal,
  using: (target: Target, programs?: Pair['inside']) => Promise<T>,
): Promise<T> {
  console.log(`target: ${chosen.because}`)
  if ('clusters' in chosen) return using(chosen)
  // Only here: a live run, or one that cannot begin, need not load what builds clusters.
  const { ensurePair } = await import('../fixtures/pair/pair.ts')
  const { createProgress } = await import('../fixtures/pair/progress.ts')
  const progress = createProgress({ output: process.stderr })
  const pair = await ensurePair({ platform, progress, signal }).finally(() => progress.stop())
  try {
    const clusters = { infra: { context: 'infra' }, apps: { context: 'apps' } }
    return await using({ ...chosen, kubeconfig: pair.kubeconfig, clusters }, pair.inside)
  } finally {
    await pair.takeDown()
  }
}
