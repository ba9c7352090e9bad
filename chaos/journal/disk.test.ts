import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Intent } from './disk.ts'
import { openJournal, readJournals, steps, unfinishedIn } from './disk.ts'
import { isGone } from '../../cluster/holder.ts'

const intent: Intent = {
  id: 'e-1',
  scenario: 'node-loss',
  target: 'pair',
  clusters: ['apps'],
  uids: { apps: 'uid' },
  targets: ['Node apps-03 (uid)'],
  undo: [{ do: 'power on', cluster: 'apps', node: 'apps-03' }],
  startedAt: '2026-01-01T12:00:00.000Z',
  endsAt: '2026-01-01T12:10:00.000Z',
  holder: 'host/1',
  hidesAPI: false,
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'))
  onTestFinished(() => rm(folder, { recursive: true }))
})

describe('a journal', () => {
  test('tells how far an experiment came; without an end it is unfinished', () => {
    const journal = openJournal('e-1', folder)
    journal.write('intended', { intent })
    journal.write('injecting')
    expect(unfinishedIn(readJournals(folder))).toMatchObject([{ last: 'injecting', intent: { undo: intent.undo } }])
    journal.write('ended', { note: 'nothing is left' })
    expect(unfinishedIn(readJournals(folder))).toEqual([])
    expect(readJournals(join(folder, 'nowhere'))).toEqual([])
  })

  test('that was cut off in the middle of a line is as long as its last whole line', async () => {
    const journal = openJournal('e-1', folder)
    journal.write('intended', { intent })
    await appendFile(journal.file, '{"step":"injec')
    expect(readJournals(folder)).toMatchObject([{ last: 'intended' }])
  })

  test.each(steps.filter((step) => step !== 'ended'))(
    'of a runner that is killed after %s is unfinished',
    async (step) => {
      const program = `
      const { openJournal } = await import(${JSON.stringify(join(import.meta.dirname, 'disk.ts'))})
      const journal = openJournal('e-1', ${JSON.stringify(folder)})
      journal.write('intended', { intent: ${JSON.stringify(intent)} })
      for (const step of ${JSON.stringify(steps.slice(1))}) journal.write(step)`
      const ended = await execa(process.execPath, ['--input-type=module', '-e', program], {
        reject: false,
        env: { CHAOS_DIE_AT: step },
      })
      expect(ended.signal).toBe('SIGKILL')
      expect(unfinishedIn(readJournals(folder))).toMatchObject([{ last: step, intent: { id: 'e-1' } }])
    },
  )
})

test('a holder is gone when its process on this machine is; of other machines nobody knows', async () => {
  const { hostname } = await import('node:os')
  expect(isGone(`${hostname()}/${process.pid}`)).toBe(false)
  expect(isGone(`${hostname()}/999999`)).toBe(true)
  expect(isGone('elsewhere/1')).toBe(false)
})
