import { execa } from 'execa'
import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Place } from '../prober/probers.ts'

/** A repository in an object store, and from where it is reached. */
export type Repository = {
  program: string
  place: Place
  /** `s3:http://10.245.3.4:9000/bucket`, or a folder. */
  url: string
  password: string
  /** Of the object store. */
  account?: { accessKeyId: string; secretAccessKey: string }
}

const summary = z.object({
  message_type: z.literal('summary'),
  total_files_processed: z.number(),
  total_bytes_processed: z.number(),
  snapshot_id: z.string().min(1, 'the id of the snapshot'),
})

export type Snapshot = { id: string; files: number; bytes: number }

/** One command of restic. Passwords and keys go by the environment, because the list of processes is for everybody. */
async function restic(
  repository: Repository,
  args: readonly string[],
  { folder, deadline, input }: { folder?: string; deadline: Deadline; input?: string },
): Promise<string> {
  const { program, place, url, password, account } = repository
  const [file = program, ...words] = [...place, program, '--no-cache', '--json', ...args]
  const { stdout } = await execa(file, words, {
    ...(folder === undefined ? {} : { cwd: folder }),
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    extendEnv: false,
    env: {
      // Inside another mount namespace the kernel does not know where this is.
      ...(folder === undefined ? {} : { PWD: folder }),
      PATH: '/usr/bin:/bin',
      HOME: '/nonexistent',
      RESTIC_REPOSITORY: url,
      RESTIC_PASSWORD: password,
      ...(account && { AWS_ACCESS_KEY_ID: account.accessKeyId, AWS_SECRET_ACCESS_KEY: account.secretAccessKey }),
    },
    cancelSignal: deadline.signal,
  })
  return stdout
}

/** Makes the repository, with its bucket. */
export async function makeRepository(repository: Repository, deadline: Deadline): Promise<void> {
  await restic(repository, ['init'], { deadline })
}

/** Backs up paths below a folder, by their names within it. */
export async function backUp(
  repository: Repository,
  { folder, paths, without = [] }: { folder: string; paths: readonly string[]; without?: readonly string[] },
  deadline: Deadline,
): Promise<Snapshot> {
  const excluded = without.map((pattern) => `--exclude=${pattern}`)
  return snapshotOf(await restic(repository, ['backup', ...excluded, ...paths], { folder, deadline }))
}

/** Backs up a text as a file. */
export async function backUpText(
  repository: Repository,
  { name, text }: { name: string; text: string },
  deadline: Deadline,
): Promise<Snapshot> {
  return snapshotOf(
    await restic(repository, ['backup', '--stdin', `--stdin-filename=${name}`], { deadline, input: text }),
  )
}

/** Restores a snapshot into a folder and compares every file with what the repository holds. */
export async function restoreInto(
  repository: Repository,
  { snapshot, folder }: { snapshot: string; folder: string },
  deadline: Deadline,
): Promise<void> {
  await restic(repository, ['restore', snapshot, `--target=${folder}`, '--verify'], { deadline })
}

/** A text that was backed up, as it was. */
export async function dumped(
  repository: Repository,
  snapshot: string,
  name: string,
  deadline: Deadline,
): Promise<string> {
  return restic(repository, ['dump', snapshot, `/${name}`], { deadline })
}

/** The last line of a backup says what is in it; a backup of nothing is none. */
export function snapshotOf(output: string): Snapshot {
  const lines = output.trim().split('\n')
  const parsed = summary.safeParse(JSON.parse(lines.at(-1) ?? '{}'))
  if (!parsed.success) throw new Error(`restic did not say what it backed up: ${lines.at(-1)?.slice(0, 200)}`)
  const { total_files_processed: files, total_bytes_processed: bytes, snapshot_id: id } = parsed.data
  if (files === 0) throw new Error('restic found nothing to back up')
  return { id, files, bytes }
}
