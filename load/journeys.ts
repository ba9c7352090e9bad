import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Journey } from '../platform/platform.ts'
import type { Generator } from './batch.ts'
import { removeGenerators, resultOf, startJob } from './jobs.ts'

/** How a journey fared; `failure` says why nothing is known of it. */
export type JourneyRun = {
  journey: Journey
  asked: number
  requests: number
  failed: number
  dropped: number
  p99Ms: number | undefined
  failure?: string
}

/** Loads one journey from a meshed pod of its cluster, without a warm-up: users have none. */
export async function runJourney(
  journey: Journey,
  { name, seconds }: { name: string; seconds: number },
  client: Generator,
  deadline: Deadline,
): Promise<JourneyRun> {
  const asked = journey.requestsPerSecond * seconds
  try {
    await startJob(
      client.connection,
      {
        name,
        role: 'meshed',
        node: client.node,
        program: client.program,
        longestSeconds: seconds + 120,
        settings: {
          TARGET: journey.url,
          RATE: journey.requestsPerSecond,
          WARMUP: 0,
          SECONDS: seconds,
          USERS: Math.max(10, journey.requestsPerSecond * 2),
          SAMPLES: 'yes',
        },
      },
      client.owner,
      deadline,
    )
    const { log } = await resultOf(client.connection, { name, loads: 1 }, deadline)
    await removeGenerators(client.connection, name, deadline)
    const [load] = log.loads
    if (!load) throw new Error('k6 wrote of no load')
    const { latencies, failed, dropped } = load
    const requests = latencies.count
    return { journey, asked, requests, failed, dropped, p99Ms: requests === 0 ? undefined : latencies.at(99) }
  } catch (error) {
    return { journey, asked, requests: 0, failed: 0, dropped: 0, p99Ms: undefined, failure: messageOf(error) }
  }
}
