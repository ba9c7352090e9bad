import { join } from 'node:path'
import { z } from 'zod'
import { monotonicNow } from '../clocks/attempts.ts'
import type { Fault } from '../scenario.ts'
import { meshedPod, ownContainer } from '../prober/orders.ts'
import { askProgram } from '../prober/probers.ts'
import { canaryFolder, volumePath } from '../workloads.ts'
import type { Restoring } from './database.ts'
import { backUp, makeRepository, restoreInto } from './restic.ts'
import type { Restored } from './restored.ts'
import { canaryRow } from './restored.ts'
import { storeRepository } from './store-repository.ts'

type VolumeRestore = Restoring<Extract<Fault, { action: 'volume' }>>

/**
 * Backs the volume of a pod up while files are written to it, and restores it into the volume of another pod: what
 * VolSync's mover does with the same tool. Every file is compared.
 */
export async function restoreVolume(restoring: VolumeRestore): Promise<Restored> {
  const { cluster, field, fault, tools, deadline } = restoring
  const connection = field.connections[cluster]
  const [source, target, meshed] = await Promise.all([
    ownContainer(connection, fault.own, deadline),
    ownContainer(connection, fault.into, deadline),
    meshedPod(connection, { id: fault.own, from: cluster }, [], deadline),
  ])
  const [from, into] = await Promise.all([tools.filesIn(source, volumePath), tools.filesIn(target, volumePath)])
  const repository = await storeRepository(restoring, meshed)
  await makeRepository(repository, deadline)
  const backupBegan = monotonicNow()
  const backup = await backUp(repository, { folder: from, paths: [canaryFolder] }, deadline)
  const backupEnded = monotonicNow()
  await restoreInto(repository, { snapshot: backup.id, folder: into }, deadline)
  const rows = await filesOf(join(into, canaryFolder))
  const served = monotonicNow()
  const at = (lower: number) => ({ lower, upper: lower })
  return {
    backupBegan: at(backupBegan),
    backupEnded: at(backupEnded),
    restoreBegan: at(backupEnded),
    served: at(served),
    tool: `restic ${tools.version}`,
    files: backup.files,
    bytes: backup.bytes,
    counted: 'files',
    rows,
    originals: await filesOf(join(from, canaryFolder)),
  }
}

const filesOf = async (folder: string) => z.array(canaryRow).parse(await askProgram({ do: 'file rows', folder }))
