import { hostname } from 'node:os'

/** Who runs this: host and process. */
export const thisHolder = (): string => `${hostname()}/${process.pid}`

/** A holder on this very machine whose process no longer runs. */
export function isGone(holder: string): boolean {
  const [host, pid] = holder.split('/')
  if (host !== hostname() || !/^\d+$/.test(pid ?? '')) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch {
    return true
  }
}
