/** A point in time that a whole observation shares. It is made once and passed down, never made again on the way. */
export type Deadline = {
  /** Aborts when the time is over or the run is cancelled: pass it to every request. */
  signal: AbortSignal
  /** Milliseconds left, never negative. */
  remainingMs: () => number
}

/** Thrown by what a deadline cut short. Never a verdict: it becomes `inconclusive`. */
export class DeadlineExceeded extends Error {
  override name = 'DeadlineExceeded'
}

/** A deadline `budgetMs` from now. `parent` cancels it earlier: a budget inside a budget cannot outlive it. */
export function deadlineIn(budgetMs: number, parent?: AbortSignal): Deadline {
  const end = performance.now() + budgetMs
  const time = AbortSignal.timeout(Math.max(0, Math.ceil(budgetMs)))
  return {
    signal: parent ? AbortSignal.any([time, parent]) : time,
    remainingMs: () => Math.max(0, end - performance.now()),
  }
}

/** Waits for `promise`, but not beyond the deadline; `what` names it in the error. */
export async function before<T>(deadline: Deadline, what: string, promise: Promise<T>): Promise<T> {
  const { signal } = deadline
  if (signal.aborted) throw new DeadlineExceeded(`${what}: no time was left`)
  let onAbort = () => {}
  const late = new Promise<never>((_, reject) => {
    onAbort = () => reject(new DeadlineExceeded(`${what}: did not end in time`))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
