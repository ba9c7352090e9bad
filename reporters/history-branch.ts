import { writeFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Command } from 'commander'
import { execa } from 'execa'
import { messageOf } from '../check/error-message.ts'
import { writeWhole } from './report-file.ts'

export type HistoryBranch = {
  /** The clone whose remote `origin` keeps the branch. */
  repository: string
  branch: string
}

const author = ['-c', 'user.name=conformance', '-c', 'user.email=conformance@users.noreply.github.com']

const git = (repository: string, args: readonly string[]) => execa('git', ['-C', repository, ...args])

/** Writes the history of earlier runs to the file; an empty one when there is none yet. Returns whether there was one. */
export async function fetchHistory({ repository, branch }: HistoryBranch, file: string): Promise<boolean> {
  const tip = await remoteTip(repository, branch)
  if (tip === undefined) {
    await writeFile(file, '')
    return false
  }
  await git(repository, ['fetch', '--quiet', '--depth=1', 'origin', branch])
  const { stdout } = await execa('git', ['-C', repository, 'cat-file', 'blob', `${tip}:${basename(file)}`], {
    stripFinalNewline: false,
  })
  await writeWhole(file, stdout)
  return true
}

/**
 * Puts the file on the branch as its only file, without touching the checkout. Refused by git when the branch moved
 * since, so that no night is lost.
 */
export async function pushHistory({ repository, branch }: HistoryBranch, file: string): Promise<void> {
  const tip = await remoteTip(repository, branch)
  if (tip !== undefined) await git(repository, ['fetch', '--quiet', '--depth=1', 'origin', branch])
  const { stdout: blob } = await git(repository, ['hash-object', '-w', resolve(file)])
  const { stdout: tree } = await execa('git', ['-C', repository, 'mktree'], {
    input: `100644 blob ${blob}\t${basename(file)}\n`,
  })
  const parent = tip === undefined ? [] : ['-p', tip]
  const { stdout: commit } = await git(repository, [...author, 'commit-tree', tree, '-m', 'Remember a run', ...parent])
  await git(repository, ['push', '--quiet', 'origin', `${commit}:refs/heads/${branch}`])
}

async function remoteTip(repository: string, branch: string): Promise<string | undefined> {
  const { stdout } = await git(repository, ['ls-remote', 'origin', `refs/heads/${branch}`])
  const [tip] = stdout.split('\t')
  return tip === '' ? undefined : tip
}

/** `--branch` of a command line, in the repository of the current folder. */
const here = ({ branch }: { branch: string }): HistoryBranch => ({ repository: process.cwd(), branch })
const branchOption = ['--branch <name>', 'the branch that keeps it', 'conformance-history'] as const

async function fetchCommand(file: string, options: { branch: string }): Promise<void> {
  const found = await fetchHistory(here(options), file)
  console.log(
    found ? `${file}: from the branch ${options.branch}` : `${file}: empty, there is no branch ${options.branch} yet`,
  )
}

async function pushCommand(file: string, options: { branch: string }): Promise<void> {
  await pushHistory(here(options), file)
  console.log(`${file}: kept on the branch ${options.branch}`)
}

if (import.meta.main) {
  const command = new Command('pnpm report:history').description(
    'What earlier runs found, kept on a branch of its own.',
  )
  command
    .command('fetch <file>')
    .option(...branchOption)
    .action(fetchCommand)
  command
    .command('push <file>')
    .option(...branchOption)
    .action(pushCommand)
  try {
    await command.parseAsync()
  } catch (error) {
    console.error(messageOf(error))
    process.exitCode = 3
  }
}
