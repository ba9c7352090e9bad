import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { deadlineIn } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { connect } from '../cluster/connection.ts'
import { openFaults } from '../fixtures/pair/faults/faults.ts'
import { temporaryFolders } from '../fixtures/temporary-folders.ts'
import { loadPlatform } from '../platform/platform.ts'
import type { Step } from './journal/disk.ts'
import { readJournals, unfinishedIn } from './journal/disk.ts'
import { differencesOf, pictureOf } from './residue.ts'

// On a pair: the runner is killed at every step of its journal, and the sweep has to leave both clusters and their machines
// as they were. What is broken differs, so that every kind of undo has its turn where it matters.
const file = inject('pairKubeconfig')
const newFolder = temporaryFolders('killed-runner-')
const main = join(import.meta.dirname, 'main.ts')
const clusters = ['infra', 'apps'] as const
const settleMs = 180_000

const kills: [Step, string][] = [
  ['intended', 'echo-pod-loss'],
  ['leased', 'link-cut'],
  ['recorded', 'catalog-scaled-away'],
  ['prepared', 'node-loss'],
  ['injecting', 'catalog-scaled-away'],
  ['injected', 'node-loss'],
  ['injected', 'link-cut'],
  ['injected', 'catalog-scaled-away'],
  ['injected', 'quorum-loss'],
  ['observed', 'link-cut'],
  ['observed', 'postgres-primary-crash'],
  ['taking back', 'echo-pod-loss'],
  ['taken back', 'catalog-eviction'],
]

let connections: Record<'infra' | 'apps', Connection>
let picture: () => Promise<string[]>

beforeAll(async () => {
  connections = { infra: await connect(file, 'infra'), apps: await connect(file, 'apps') }
  const faults = await openFaults(loadPlatform())
  // Only connections and the machines are looked at.
  const field = { connections, picture: faults.picture }
  picture = () => pictureOf(field, clusters, deadlineIn(30_000))
})
afterAll(async () => {
  await Promise.all([connections.infra.close(), connections.apps.close()])
})

/** Processes that were started with this folder of journals, whoever started them. */
async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      if (!environment.split('\0').includes(`CHAOS_JOURNAL=${folder}`)) return []
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return [`${pid} ${command.replaceAll('\0', ' ').trim()}`]
    }),
  )
  return found.flat()
}

test.each(kills)('killed after "%s" of %s: the sweep leaves everything as it was', async (step, scenario) => {
  const folder = await newFolder()
  const env = { CHAOS_JOURNAL: folder }
  const chaos = (args: readonly string[], more: Record<string, string> = {}) =>
    execa(process.execPath, [main, ...args, '--target', 'pair'], {
      env: { ...env, ...more },
      reject: false,
      all: true,
      timeout: 600_000,
    })
  const before = await picture()
  const killed = await chaos(['run', '--arm', '--scenario', scenario, '--reports', join(folder, 'reports')], {
    CHAOS_DIE_AT: step,
  })
  expect([killed.signal, killed.signal === 'SIGKILL' ? '' : killed.all]).toEqual(['SIGKILL', ''])
  expect(readJournals(folder)).toHaveLength(1)
  const swept = await chaos(['sweep'])
  expect([swept.exitCode, swept.exitCode === 0 ? '' : swept.all]).toEqual([0, ''])
  await expect
    .poll(async () => differencesOf(before, await picture()), { timeout: settleMs, interval: 3_000 })
    .toEqual([])
  await expect.poll(() => processesOf(folder), { timeout: 30_000 }).toEqual([])
  expect(unfinishedIn(readJournals(folder))).toEqual([])
  expect((await chaos(['sweep'])).all).toContain('nothing was left over')
})
