import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from '../check/deadline.ts'

const pauseMs = 200

/** Tries until it works or the time is over; then the last error counts. */
export async function patiently<T>(deadline: Deadline, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it works
      return await act()
    } catch (error) {
      if (deadline.signal.aborted) throw error
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal }).catch(() => {})
  }
}
