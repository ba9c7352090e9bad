// Requests at a constant arrival rate, whatever the answers take: an open model, so that a slow server is not spared.
//   k6 run -e TARGET=http://host:port/path -e RATE=320 -e WARMUP=5 -e SECONDS=10 load/scripts/constant-rate.ts
// With --execution-segment, as the k6-operator gives it, each of several k6 sends its share.
// Several loads one after the other, at times that are shared with another k6:
//   -e BEGIN=<milliseconds since 1970> -e STARTS=0,40,60   (seconds after BEGIN at which a warm-up begins)
//   -e SAMPLES=yes    every measured request as a line of the log: `sample <load> <microseconds> <1 if it failed>`
//   -e LINGER=15    seconds that k6 lives on after its last load: the kubelet counts throttling every 10 to 15 s
//   -e FAILING=http://host/fails -e EVERY=4    every fourth request goes there instead
import { sleep } from 'k6'
import { scenario } from 'k6/execution'
import http from 'k6/http'
import type { Options, Scenario } from 'k6/options'

declare const console: { log: (line: string) => void }

const rate = Number(__ENV['RATE'] ?? '320')
const warmUpSeconds = Number(__ENV['WARMUP'] ?? '5')
const seconds = Number(__ENV['SECONDS'] ?? '10')
const target = __ENV['TARGET'] ?? 'http://localhost:8080/'
const failing = __ENV['FAILING']
const every = Number(__ENV['EVERY'] ?? '4')
const starts = (__ENV['STARTS'] ?? '0').split(',').map(Number)
const begin = Number(__ENV['BEGIN'] ?? '0')
const linger = Number(__ENV['LINGER'] ?? '0')
const writesSamples = __ENV['SAMPLES'] === 'yes'
/** Enough for answers of one second. They are all there from the beginning: making one takes time that would be measured. */
const users = Number(__ENV['USERS'] ?? Math.max(10, Math.min(rate, 1_000)))

const arrivals = { executor: 'constant-arrival-rate', rate, timeUnit: '1s', preAllocatedVUs: users } as const
const secondsUntilBegin = () => Math.max(0, (begin - Date.now()) / 1_000)
const at = (secondsAfterBegin: number) => `${Math.round(secondsAfterBegin * 1_000)}ms`
const nameOf = (kind: string, load: number) => (starts.length === 1 ? kind : `${kind}-${load}`)
const measured = starts.map((_, load) => nameOf('measured', load))

const scenarios: Record<string, Scenario> = {}
for (const [load, start] of starts.entries()) {
  if (warmUpSeconds > 0)
    scenarios[nameOf('warm-up', load)] = {
      ...arrivals,
      startTime: at(start),
      duration: `${warmUpSeconds}s`,
      gracefulStop: '0s',
    }
  scenarios[measured[load] ?? ''] = {
    ...arrivals,
    startTime: at(start + warmUpSeconds),
    duration: `${seconds}s`,
    gracefulStop: '2s',
  }
}

export const options: Options = {
  discardResponseBodies: true,
  // Names, not addresses of single requests: one time series for all of them.
  systemTags: ['scenario', 'status', 'expected_response'],
  summaryTrendStats: ['count', 'min', 'med', 'p(95)', 'p(99)', 'max'],
  setupTimeout: `${Math.ceil(secondsUntilBegin()) + 60}s`,
  scenarios,
  thresholds: {
    // Ends a load that does nothing but fail. Where some are meant to fail, the first answers may be just those.
    http_req_failed: [
      failing === undefined
        ? { threshold: 'rate<0.5', abortOnFail: true, delayAbortEval: '2s' }
        : { threshold: 'rate<0.75', abortOnFail: true, delayAbortEval: '5s' },
    ],
    ...Object.fromEntries(
      measured.flatMap((name) => [
        [`http_req_failed{scenario:${name}}`, [failing === undefined ? 'rate<0.01' : 'rate<0.5']],
        [`http_req_duration{scenario:${name}}`, ['p(99)<60000']],
        [`dropped_iterations{scenario:${name}}`, ['count<1']],
      ]),
    ),
  },
}

/** All users are made by now, and a k6 that was started paused has been let go: the begin is the same for all of them. */
export function setup(): void {
  if (begin > 0) sleep(secondsUntilBegin())
}

export default function request(): void {
  const isFailing = failing !== undefined && scenario.iterationInTest % every === every - 1
  const { timings, status } = http.get(isFailing ? failing : target)
  if (!writesSamples) return
  const load = measured.indexOf(scenario.name)
  if (load < 0) return
  if (scenario.iterationInInstance === 0) console.log(`began ${load} ${scenario.startTime}`)
  console.log(`sample ${load} ${Math.round(timings.duration * 1_000)} ${status >= 200 && status < 400 ? 0 : 1}`)
}

export function teardown(): void {
  if (linger > 0) sleep(linger)
}

type Summary = { metrics: Record<string, { values: Record<string, number> }> }

/** A few lines for people, and all of it for programs where SUMMARY names a file. */
export function handleSummary(data: Summary): Record<string, string> {
  const value = (metric: string, name: string) => data.metrics[metric]?.values[name]
  const of = (metric: string, name: string): string => String(value(metric, name) ?? 'none')
  const lines = measured.flatMap((name, load) => {
    const duration = `http_req_duration{scenario:${name}}`
    if (writesSamples)
      return [
        `counted ${load} ${value(duration, 'count') ?? 0} ${value(`http_req_failed{scenario:${name}}`, 'passes') ?? 0} ${value(`dropped_iterations{scenario:${name}}`, 'count') ?? 0}`,
      ]
    return [
      `${name}  ${of(duration, 'count')} requests at ${rate} per second to ${target}`,
      `latency   p50 ${of(duration, 'med')} ms, p95 ${of(duration, 'p(95)')} ms, p99 ${of(duration, 'p(99)')} ms`,
      `failed    ${of(`http_req_failed{scenario:${name}}`, 'passes')}`,
      `dropped   ${of(`dropped_iterations{scenario:${name}}`, 'count')}`,
    ]
  })
  if (writesSamples) lines.push(`sent ${value('http_reqs', 'count') ?? 0}`)
  const file = __ENV['SUMMARY']
  return { stdout: `${lines.join('\n')}\n`, ...(file === undefined ? {} : { [file]: JSON.stringify(data) }) }
}
