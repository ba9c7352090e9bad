import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Reporter } from 'vitest/node'
import { startVitest } from 'vitest/node'
import { failureBlock } from '../check/failure-block.ts'
import type { Judged } from './judged.ts'

/** Runs these test files for real, in a folder of their own, under the reporters that are tried out. */
export async function runFixture(files: Record<string, string>, reporters: Reporter[]): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'fixture-run-'))
  try {
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(root, name), text)))
    const exitCode = process.exitCode
    const vitest = await startVitest('test', [], {
      root,
      config: false,
      watch: false,
      globals: true,
      pool: 'threads',
      include: ['*.test.js'],
      reporters,
    })
    await vitest.close()
    process.exitCode = exitCode
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** A test file that ends as the judging tests do: with the result in its meta, and a state that fits the outcome. */
export function judgingFile(judged: readonly Judged[]): string {
  const all = judged.map((one) => ({ one, block: failureBlock(one.result, one.claim) }))
  return `
    for (const { one, block } of ${JSON.stringify(all)}) {
      test(one.result.check + ' ' + one.result.cluster, ({ task, skip }) => {
        task.meta.conformance = one
        const { outcome, reason } = one.result
        if (outcome === 'conforms') return
        if (outcome === 'deviates' || outcome === 'inconclusive') throw new Error(block)
        skip(outcome + ': ' + reason)
      })
    }
  `
}
