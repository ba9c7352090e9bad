import type { Block } from './blocks.ts'
import { arms } from './blocks.ts'
import type { Calibrated } from './calibration.ts'
import type { Interval } from './interval.ts'
import { percentiles } from './latencies.ts'
import { fewestBlocks, verdictText } from './verdict.ts'

const intervalText = ({ estimate, lower, upper }: Interval): string =>
  `${estimate.toFixed(3)} (${lower.toFixed(3)} to ${upper.toFixed(3)})`

/** What one block gave, or why it does not count. */
export function blockText(block: Block, reasons: readonly string[]): string {
  if (reasons.length > 0) return `void: ${reasons.join('; ')}`
  const [treated, control] = arms.map((arm) =>
    percentiles.map((percentile) => block[arm].percentiles[percentile].toFixed(2)).join(' / '),
  )
  return `p50 / p95 / p99  treated ${treated} ms, control ${control} ms`
}

/** What all blocks gave, as lines. */
export function foundText({ counted, found }: Calibrated): string[] {
  if (found === undefined) return [`no result: ${counted.length} blocks count, ${fewestBlocks} are needed`]
  return percentiles.flatMap((percentile) => {
    const one = found[percentile]
    if (!one) return []
    const { ratio, differenceMs, verdicts } = one
    return `${percentile}  ratio ${intervalText(ratio)}, difference ${intervalText(differenceMs)} ms; 8 %: ${verdictText(verdicts.documented)}; 33 %: ${verdictText(verdicts.study)}`
  })
}
