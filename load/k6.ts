import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Samples } from './k6-samples.ts'
import { readSamples } from './k6-samples.ts'

export type Load = { target: string; rate: number; warmUpSeconds: number; seconds: number }

const script = join(import.meta.dirname, 'scripts', 'constant-rate.ts')
/** Ended well; a threshold failed; a threshold ended the load. What came of it is in the samples. */
export const usableCodes = [0, 99, 108]
const linesShown = 5

/** Loads one target with the k6 at `program`, on this machine. Throws when k6 could not do its work, or was cancelled. */
export async function runK6(program: string, load: Load, signal: AbortSignal): Promise<Samples> {
  const folder = await mkdtemp(join(tmpdir(), 'twinproof-k6-'))
  try {
    const samples = join(folder, 'samples.csv')
    const variables = {
      TARGET: load.target,
      RATE: load.rate,
      WARMUP: load.warmUpSeconds,
      SECONDS: load.seconds,
    }
    const settings = Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    const { exitCode, all } = await execa(
      program,
      // Without an address k6 listens nowhere.
      ['run', '--quiet', '--no-usage-report', '--address', '', '--out', `csv=${samples}`, ...settings, script],
      {
        reject: false,
        all: true,
        stdin: 'ignore',
        cancelSignal: signal,
        env: { K6_AUTO_EXTENSION_RESOLUTION: 'false' },
      },
    )
    signal.throwIfAborted()
    if (exitCode === undefined || !usableCodes.includes(exitCode))
      throw new Error(`k6 ended with ${exitCode ?? 'no exit code'}: ${all.split('\n').slice(-linesShown).join('\n')}`)
    return await readSamples(samples)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
