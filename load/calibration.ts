import type { Arm, ArmRun, Block } from './blocks.ts'
import { arms, differencesOf, orderOfArms, ratiosOf, voidReasons } from './blocks.ts'
import type { DelayingProxy } from './delaying-proxy.ts'
import { startDelayingProxy, startServer } from './delaying-proxy.ts'
import type { Interval } from './interval.ts'
import { meanInterval, ratioInterval } from './interval.ts'
import type { Load } from './k6.ts'
import type { Samples } from './k6-samples.ts'
import type { Percentile } from './latencies.ts'
import { percentiles } from './latencies.ts'
import type { Random } from './random.ts'
import type { Verdict } from './verdict.ts'
import { fewestBlocks, judgeOverhead, overheads } from './verdict.ts'

/** What is done wrong on purpose, so that it has to be noticed. */
export const faults = ['saturated', 'dead', 'swapped'] as const
export type Fault = (typeof faults)[number]

export type Calibration = {
  delayMs: number
  fault: Fault | undefined
  blocks: number
  load: Omit<Load, 'target'>
  random: Random
  runK6: (load: Load) => Promise<Samples>
  onBlock: (block: Block, reasons: readonly string[]) => void
}

type Found = { ratio: Interval; differenceMs: Interval; verdicts: Record<keyof typeof overheads, Verdict> }

export type Calibrated = {
  counted: Block[]
  /** Undefined when fewer than five blocks counted: then there is no result. */
  found: Partial<Record<Percentile, Found>> | undefined
}

/** Longer than the generator has users for. */
const saturatingMs = 3_000

/** Two arms of the same server and the same proxy, which delays one of them by a known time; measured like a mesh. */
export async function calibrate(calibration: Calibration): Promise<Calibrated> {
  const { delayMs, fault, random } = calibration
  const server = await startServer()
  const proxies: Record<Arm, DelayingProxy> = {
    treated: await startDelayingProxy(server.url, fault === 'saturated' ? saturatingMs : delayMs),
    control: await startDelayingProxy(server.url, 0),
  }
  if (fault === 'dead') await proxies.control.close()
  const proxyOf = (arm: Arm) => proxies[fault === 'swapped' ? (arms[1 - arms.indexOf(arm)] ?? arm) : arm]
  const counted: Block[] = []
  try {
    for (let index = 0; index < calibration.blocks; index += 1) {
      const runs: Partial<Block> = {}
      for (const arm of orderOfArms(random)) {
        // One arm after the other: two at once would measure each other.
        // oxlint-disable-next-line no-await-in-loop
        runs[arm] = await runArm(calibration, proxyOf(arm).url, proxies.treated)
      }
      const block = runs as Block
      const reasons = voidReasons(block)
      calibration.onBlock(block, reasons)
      if (reasons.length === 0) counted.push(block)
    }
  } finally {
    await Promise.all([...(fault === 'dead' ? [] : [proxies.control.close()]), proxies.treated.close(), server.close()])
  }
  return { counted, found: foundIn(counted, percentiles, random) }
}

async function runArm({ load, runK6 }: Calibration, target: string, treatment: DelayingProxy): Promise<ArmRun> {
  const before = treatment.passed()
  const { latencies, failed, dropped } = await runK6({ ...load, target })
  return {
    asked: load.rate * load.seconds,
    measured: latencies.count,
    failed,
    dropped,
    treated: treatment.passed() - before,
    // Servers of this process: nothing restarts or moves them.
    participants: [],
    // An arm without requests makes its block void, and nobody reads these.
    percentiles:
      latencies.count === 0 ? { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN } : latencies.percentiles(),
  }
}

/** Undefined when fewer than five blocks count. */
export function foundIn(blocks: readonly Block[], judged: readonly Percentile[], random: Random): Calibrated['found'] {
  if (blocks.length < fewestBlocks) return undefined
  const of = (percentile: Percentile): Found => {
    const ratios = ratiosOf(blocks, percentile)
    return {
      ratio: ratioInterval(ratios, random),
      differenceMs: meanInterval(differencesOf(blocks, percentile), random),
      verdicts: {
        documented: judgeOverhead(ratios, overheads.documented, random),
        study: judgeOverhead(ratios, overheads.study, random),
      },
    }
  }
  return Object.fromEntries(judged.map((percentile) => [percentile, of(percentile)]))
}
