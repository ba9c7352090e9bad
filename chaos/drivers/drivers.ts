import type { Fault } from '../scenario.ts'
import { chaosMeshDriver } from './chaos-mesh.ts'
import { clusterDriver } from './cluster.ts'
import type { Driver } from './driver.ts'
import { kubernetesDriver } from './kubernetes.ts'
import { linkDriver, nodePowerDriver } from './machines.ts'
import { restoreDriver } from './restore.ts'

const drivers: { [Name in Fault['driver']]: Driver<Extract<Fault, { driver: Name }>> } = {
  kubernetes: kubernetesDriver,
  'chaos-mesh': chaosMeshDriver,
  'node-power': nodePowerDriver,
  link: linkDriver,
  restore: restoreDriver,
  cluster: clusterDriver,
}

/** The driver of a fault. Each gets only faults of its own kind. */
export const driverOf = (fault: Fault): Driver<Fault> => drivers[fault.driver] as Driver<Fault>
