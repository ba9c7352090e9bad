import { chown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { ClusterName } from '../../platform/platform.ts'
import type { Range } from '../clocks/attempts.ts'
import { monotonicNow } from '../clocks/attempts.ts'
import { readObject, readPods } from '../cluster-reads.ts'
import type { Field } from '../field.ts'
import { postingOf } from '../prober/orders.ts'
import { askProgram } from '../prober/probers.ts'
import { labelFile, takeBaseBackup } from './base-backup.ts'
import { makeRepository, restoreInto } from './restic.ts'
import type { Restored } from './restored.ts'
import { canaryRow } from './restored.ts'
import { dataOf, scratchPod, sourcePod, startSign } from './scratch-pod.ts'
import { firstAnswer, lastWords, raiseScratch } from './scratch-server.ts'
import { storeRepository } from './store-repository.ts'
import type { Target } from '../refusals.ts'
import type { Fault } from '../scenario.ts'
import type { Making } from '../drivers/driver.ts'

export type Restoring<F = RestoreFault> = Making<RestoreFault> & {
  fault: F
  cluster: ClusterName
  tools: NonNullable<Field['restore']>
}
type RestoreFault = Extract<Fault, { driver: 'restore' }>
type DatabaseRestore = Restoring<Extract<RestoreFault, { action: 'database' }>>

/** A restored server that has not answered by then has said why. */
const servingMs = 90_000

/**
 * Backs a database up while it is written to, into the object store, and restores it beside the one in use. Nothing is
 * broken; what would be lost if the original were, is measured.
 */
export async function restoreDatabase(restoring: DatabaseRestore): Promise<Restored> {
  const { field, cluster, fault, targets, deadline, id, tools } = restoring
  const connection = field.connections[cluster]
  const [target] = targets
  if (!target?.namespace) throw new Error('there is no database to back up')
  const source = await readObject(
    connection,
    `/api/v1/namespaces/${target.namespace}/pods/${target.name}`,
    sourcePod,
    deadline,
  )
  if (!source) throw new Error(`pod ${target.namespace}/${target.name} is gone`)
  const original = await runningContainer(restoring, target)
  const [repository, scratch] = await Promise.all([
    storeRepository(restoring, original),
    raiseScratch(connection, scratchPod(source, fault.container, id), id, deadline),
  ])
  const data = dataOf(source, fault.container)
  await makeRepository(repository, deadline)

  const backupBegan = monotonicNow()
  const backup = await takeBaseBackup(
    {
      socket: await tools.filesIn(original.containerID, fault.socket),
      data: await tools.filesIn(original.containerID, data.mountPath),
      folder: data.folder,
    },
    repository,
    deadline,
  )
  const backupEnded = monotonicNow()

  const into = await tools.filesIn(scratch.containerID, data.mountPath)
  for (const { id: snapshot, into: below } of backup.snapshots) {
    // oxlint-disable-next-line no-await-in-loop -- the log after the files, the label after both
    await restoreInto(repository, { snapshot, folder: join(into, below) }, deadline)
  }
  // The label came as a text, which belongs to nobody but this runner.
  const { uid, gid } = await stat(join(into, data.folder))
  await chown(join(into, data.folder, labelFile), uid, gid)
  await writeFile(join(into, startSign), '')
  const rows = await canaryReader(restoring)
  const { answer, served } = await firstAnswer(
    () => rows(scratch.address),
    deadlineIn(servingMs, deadline.signal),
  ).catch(async (error: unknown) => {
    throw new Error(`${messageOf(error)}; it said: ${await lastWords(connection)}`, { cause: error })
  })
  const at = (lower: number): Range => ({ lower, upper: lower })
  return {
    backupBegan: at(backupBegan),
    backupEnded: at(backupEnded),
    restoreBegan: at(backupEnded),
    served,
    tool: `restic ${tools.version}`,
    files: backup.files,
    bytes: backup.bytes,
    rows: answer,
    originals: await rows(),
  }
}

/** Reads the canary of the database in use, or of the one at another address. */
async function canaryReader({ scenario, id, field, deadline }: DatabaseRestore) {
  const journey = scenario.journeys.find(({ by }) => by === 'postgres')
  if (!journey) throw new Error('without writes nothing shows what comes back')
  const { order, place } = await postingOf(journey, id, field, [], deadline)
  if (order.do !== 'insert') throw new Error(`${journey.id} writes no rows`)
  const { database } = order
  return async (host = database.host) =>
    z.array(canaryRow).parse(await askProgram({ do: 'rows', database: { ...database, host } }, place))
}

type RunningContainer = { node: string; containerID: string }

async function runningContainer(
  { field, cluster, fault, deadline }: DatabaseRestore,
  { namespace = '', name }: Pick<Target, 'namespace' | 'name'>,
): Promise<RunningContainer> {
  const pods = await readPods(field.connections[cluster], deadline, { namespace })
  const pod = pods.find(({ metadata }) => metadata.name === name)
  const containerID = pod?.status.containerStatuses.find((one) => one.name === fault.container)?.containerID
  if (containerID === undefined || pod?.spec.nodeName === undefined)
    throw new Error(`container ${fault.container} of ${namespace}/${name} is not running`)
  return { node: pod.spec.nodeName, containerID }
}
