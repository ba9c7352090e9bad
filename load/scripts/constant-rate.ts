// Requests at a constant arrival rate, whatever the answers take: an open model, so that a slow server is not spared.
//   k6 run -e TARGET=http://host:port/path -e RATE=320 -e WARMUP=5 -e SECONDS=10 load/scripts/constant-rate.ts
import http from 'k6/http'
import type { Options } from 'k6/options'

const rate = Number(__ENV['RATE'] ?? '320')
const warmUpSeconds = Number(__ENV['WARMUP'] ?? '5')
const seconds = Number(__ENV['SECONDS'] ?? '10')
const target = __ENV['TARGET'] ?? 'http://localhost:8080/'
/** Enough for answers of one second. They are all there from the beginning: making one takes time that would be measured. */
const users = Math.max(10, Math.min(rate, 1_000))

const arrivals = { executor: 'constant-arrival-rate', rate, timeUnit: '1s', preAllocatedVUs: users } as const

export const options: Options = {
  discardResponseBodies: true,
  // Names, not addresses of single requests: one time series for all of them.
  systemTags: ['scenario', 'status', 'expected_response'],
  summaryTrendStats: ['count', 'min', 'med', 'p(95)', 'p(99)', 'max'],
  scenarios: {
    'warm-up': { ...arrivals, duration: `${warmUpSeconds}s`, gracefulStop: '0s' },
    measured: { ...arrivals, startTime: `${warmUpSeconds}s`, duration: `${seconds}s`, gracefulStop: '2s' },
  },
  thresholds: {
    'http_req_failed{scenario:measured}': ['rate<0.01'],
    // Ends a load that does nothing but fail.
    http_req_failed: [{ threshold: 'rate<0.5', abortOnFail: true, delayAbortEval: '2s' }],
    'http_req_duration{scenario:measured}': ['p(99)<60000'],
    'dropped_iterations{scenario:measured}': ['count<1'],
  },
}

export default function request(): void {
  http.get(target)
}

/** A few lines for people, and all of it for programs where SUMMARY names a file. */
export function handleSummary(data: {
  metrics: Record<string, { values: Record<string, number> }>
}): Record<string, string> {
  const of = (metric: string, value: string): string => String(data.metrics[metric]?.values[value] ?? 'none')
  const duration = 'http_req_duration{scenario:measured}'
  const lines = [
    `measured  ${of(duration, 'count')} requests at ${rate} per second to ${target}`,
    `latency   p50 ${of(duration, 'med')} ms, p95 ${of(duration, 'p(95)')} ms, p99 ${of(duration, 'p(99)')} ms`,
    `failed    ${of('http_req_failed{scenario:measured}', 'passes')}`,
    `dropped   ${of('dropped_iterations{scenario:measured}', 'count')}`,
  ]
  const file = __ENV['SUMMARY']
  return { stdout: `${lines.join('\n')}\n`, ...(file === undefined ? {} : { [file]: JSON.stringify(data) }) }
}
