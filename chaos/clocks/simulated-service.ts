import type { Attempt } from './attempts.ts'

export type Down = { from: number; to: number }

export type Simulation = {
  down: readonly Down[]
  lengthMs: number
  periodMs: number
  timeoutMs: number
  /** Numbers from 0 to 1, as many as are asked for. */
  random: () => number
}

/**
 * The log of a prober in front of a service whose outages are known: some requests in an outage are refused at once,
 * others hang until they time out, or until the service is back. For tests of clocks, which have to find the outages again.
 */
export function simulatedLog({ down, lengthMs, periodMs, timeoutMs, random }: Simulation): Attempt[] {
  const log: Attempt[] = []
  for (let scheduledAt = 0; scheduledAt < lengthMs; scheduledAt += periodMs) {
    const sentAt = scheduledAt + random() * periodMs * 0.3
    const arrives = sentAt + random() * 5
    log.push({ scheduledAt, sentAt, ...answerOf(sentAt, arrives, { down, timeoutMs, random }) })
  }
  return log
}

function answerOf(
  sentAt: number,
  arrives: number,
  { down, timeoutMs, random }: Pick<Simulation, 'down' | 'timeoutMs' | 'random'>,
): { endedAt: number; ok: boolean } {
  const outage = down.find(({ from, to }) => from <= arrives && arrives < to)
  if (!outage) return { endedAt: arrives + random() * 20, ok: true }
  if (random() < 0.5) return { endedAt: arrives + random() * 2, ok: false }
  const hangsUntil = sentAt + timeoutMs
  return outage.to < hangsUntil && random() < 0.7
    ? { endedAt: outage.to + random() * 5, ok: true }
    : { endedAt: hangsUntil, ok: false }
}
