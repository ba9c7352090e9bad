import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Latencies } from './latencies.ts'

/** What k6 saw in the measured scenario; its warm-up is left out. */
export type Samples = { latencies: Latencies; failed: number; dropped: number }

const measured = 'measured'
const wantedColumns = ['metric_name', 'metric_value', 'scenario'] as const

/** Reads what `k6 run --out csv=FILE` wrote: every request, not percentiles that k6 has made of them. */
export async function readSamples(file: string): Promise<Samples> {
  const samples: Samples = { latencies: new Latencies(), failed: 0, dropped: 0 }
  let columns: number[] | undefined
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const cells = line.split(',')
    if (columns === undefined) {
      columns = wantedColumns.map((name) => cells.indexOf(name))
      if (columns.includes(-1)) throw new Error(`k6 wrote no CSV with ${wantedColumns.join(', ')}, but ${line}`)
      continue
    }
    const [metric, value, scenario] = columns.map((column) => cells[column])
    if (scenario === measured) take(samples, metric, Number(value))
  }
  return samples
}

function take(samples: Samples, metric: string | undefined, value: number): void {
  if (metric === 'http_req_duration') samples.latencies.record(value)
  if (metric === 'http_req_failed') samples.failed += value
  if (metric === 'dropped_iterations') samples.dropped += value
}
