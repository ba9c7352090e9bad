import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../../fixtures/temporary-folders.ts'
import { readFiles, writeCanaryFile } from './canaries.ts'
import { askProgram, startProber } from './probers.ts'

const newFolder = temporaryFolders('canaries-')

test('files that were acknowledged are there, intact and each unlike the others', async () => {
  const folder = join(await newFolder(), 'canary')
  const prober = startProber({ do: 'files', folder, periodMs: 20, timeoutMs: 5_000 })
  await expect.poll(() => prober.log.filter(({ ok }) => ok).length, { timeout: 30_000 }).toBeGreaterThan(5)
  const acknowledged = (await prober.stop()).filter(({ ok }) => ok).map(({ sequence }) => sequence)
  const rows = (await askProgram({ do: 'file rows', folder })) as Awaited<ReturnType<typeof readFiles>>
  expect(acknowledged.filter((sequence) => !rows.some((row) => row.sequence === sequence))).toEqual([])
  expect(rows.filter(({ isIntact }) => !isIntact)).toEqual([])
  expect(new Set(rows.map(({ digest }) => digest)).size).toBe(rows.length)
})

test('a file with one other byte is not intact, a draft is none, and a folder that is not there acknowledges nothing', async () => {
  const folder = join(await newFolder(), 'canary')
  expect(await writeCanaryFile(folder, 1)).toMatchObject({ ok: false })
  await mkdir(folder)
  expect(await writeCanaryFile(folder, 1)).toEqual({ ok: true })
  expect(await writeCanaryFile(folder, 2)).toEqual({ ok: true })
  const good = await readFiles(folder)
  const file = join(folder, '2')
  await writeFile(file, (await readFile(file, 'utf8')).replace('canary 2', 'canary 3'))
  await writeFile(join(folder, '.3'), 'half')
  const now = await readFiles(folder)
  expect(new Map(now.map(({ sequence, isIntact }) => [sequence, isIntact]))).toEqual(
    new Map([
      [1, true],
      [2, false],
    ]),
  )
  const digest = (rows: typeof now, sequence: number) => rows.find((row) => row.sequence === sequence)?.digest
  expect(digest(now, 1)).toBe(digest(good, 1))
  expect(digest(now, 2)).not.toBe(digest(good, 2))
})
