import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test, vi } from 'vitest'
import { fetchHistory, pushHistory } from './history-branch.ts'
import { temporaryFolders } from '../fixtures/temporary-folders.ts'

const newFolder = temporaryFolders('history-')

// Real git, many times.
vi.setConfig({ testTimeout: 60_000 })

/** An origin, and a clone of it with one commit on main. */
async function cloneOfOrigin() {
  const folder = await newFolder()
  const origin = join(folder, 'origin.git')
  const repository = join(folder, 'clone')
  await execa('git', ['init', '--quiet', '--bare', origin])
  await execa('git', ['clone', '--quiet', origin, repository])
  const author = ['-c', 'user.name=t', '-c', 'user.email=t@example.org']
  await execa('git', ['-C', repository, ...author, 'commit', '--quiet', '--allow-empty', '-m', 'first'])
  return { folder, repository, branch: 'conformance-history', file: join(folder, 'allure-history.jsonl') }
}

test('the first night begins an empty history, the next one finds it', async () => {
  const { folder, file, ...kept } = await cloneOfOrigin()
  expect(await fetchHistory(kept, file)).toBe(false)
  expect(await readFile(file, 'utf8')).toBe('')
  await writeFile(file, '{"night":1}\n')
  await pushHistory(kept, file)

  const again = join(folder, 'again', 'allure-history.jsonl')
  expect(await fetchHistory(kept, again)).toBe(true)
  expect(await readFile(again, 'utf8')).toBe('{"night":1}\n')

  await writeFile(again, '{"night":1}\n{"night":2}\n')
  await pushHistory(kept, again)
  expect(await fetchHistory(kept, file)).toBe(true)
  expect(await readFile(file, 'utf8')).toBe('{"night":1}\n{"night":2}\n')
})

test('the branch holds nothing but the history, and the checkout is left as it was', async () => {
  const { repository, branch, file } = await cloneOfOrigin()
  await writeFile(file, '{}\n')
  await pushHistory({ repository, branch }, file)
  await pushHistory({ repository, branch }, file)
  const git = async (...args: string[]) => (await execa('git', ['-C', repository, ...args])).stdout
  await git('fetch', '--quiet', 'origin', branch)
  expect(await git('ls-tree', '--name-only', 'FETCH_HEAD')).toBe('allure-history.jsonl')
  expect(await git('rev-list', '--count', 'FETCH_HEAD')).toBe('2')
  expect(await git('status', '--short')).toBe('')
})
