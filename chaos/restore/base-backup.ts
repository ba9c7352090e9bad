import { Client } from 'pg'
import type { Deadline } from '../../check/deadline.ts'
import type { Repository, Snapshot } from './restic.ts'
import { backUp, backUpText } from './restic.ts'

/** A running server, as its machine sees it: the folders of its socket and of its data. */
export type RunningServer = { socket: string; data: string; folder: string }

/** What a base backup consists of, in the order in which it is restored; `into` is a folder below that of the volume. */
export type BaseBackup = { snapshots: (Snapshot & { into: string })[]; files: number; bytes: number }

/** Where a server finds from which point of its log it has to recover. */
export const labelFile = 'backup_label'

/** Files that belong to the process, and the log, which is taken when the server has said where the backup ends. */
const notCopied = ['postmaster.pid', 'postmaster.opts', 'pg_wal/*', 'pg_replslot/*', 'standby.signal']

/**
 * A base backup of a server under writes, as PostgreSQL defines it: its files between the start and the stop of the
 * backup, the log until then, and the label that the server gives. Restored, the server recovers from its own log.
 */
export async function takeBaseBackup(
  server: RunningServer,
  repository: Repository,
  deadline: Deadline,
): Promise<BaseBackup> {
  return asOwner(server.socket, deadline, async (client) => {
    await client.query("select pg_backup_start('conformance-chaos', true)")
    const data = await backUp(
      repository,
      {
        folder: server.data,
        paths: [server.folder],
        without: notCopied.map((pattern) => `${server.folder}/${pattern}`),
      },
      deadline,
    )
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    const [ended] = rows
    if (!ended?.labelfile)
      throw new Error('PostgreSQL gave no label for the backup, without which it cannot be restored')
    const log = await backUp(repository, { folder: server.data, paths: [`${server.folder}/pg_wal`] }, deadline)
    const label = await backUpText(repository, { name: labelFile, text: ended.labelfile }, deadline)
    // The label alone knows nothing of the folder that it goes into, whose owner and mode have to stay.
    const snapshots = [
      { ...data, into: '' },
      { ...log, into: '' },
      { ...label, into: server.folder },
    ]
    const sum = (of: 'files' | 'bytes') => snapshots.reduce((total, one) => total + one[of], 0)
    return { snapshots, files: sum('files'), bytes: sum('bytes') }
  })
}

/**
 * A session of the server's owner, by the socket of its machine. One that ends takes its unfinished backup with it.
 */
export async function asOwner<T>(socket: string, deadline: Deadline, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    host: socket,
    user: 'postgres',
    database: 'postgres',
    application_name: 'conformance-chaos',
    connectionTimeoutMillis: 10_000,
    query_timeout: deadline.remainingMs(),
  })
  client.on('error', () => {})
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end().catch(() => {})
  }
}
