import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Deadline } from '../check/deadline.ts'
import { journalFolder } from './journal/disk.ts'
import { stopOn } from './journal/in-cluster.ts'
import type { Field } from './field.ts'

/** A file that stops everything on this machine and keeps new experiments away until it is removed. */
export const stopFile = (folder = journalFolder()): string => join(folder, 'STOP')

/** Stops everything from now on, with the reason; it stays until somebody clears it. */
export function writeStop(reason: string, folder = journalFolder()): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(stopFile(folder), `${new Date().toISOString()} ${reason}\n`)
}

export const clearStop = (folder = journalFolder()): void => rmSync(stopFile(folder), { force: true })

/** The reason of the stop file, where there is one. */
export function stopOnDisk(folder = journalFolder()): string | undefined {
  const file = stopFile(folder)
  return existsSync(file) ? `the file ${file} says: ${readFileSync(file, 'utf8').trim() || 'nothing'}` : undefined
}

/** Why everything is stopped: the file, or the ConfigMap on one of the clusters. */
export async function stopReason(
  field: Field,
  deadline: Deadline,
  folder = journalFolder(),
): Promise<string | undefined> {
  const { infra, apps } = field.connections
  return stopOnDisk(folder) ?? (await stopOn(infra, deadline)) ?? (await stopOn(apps, deadline))
}
