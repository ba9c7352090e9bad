import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import type { ClusterName } from '../platform/platform.ts'
import { uidOf, unwellOn } from './cluster-health.ts'
import { readNodes } from './cluster-reads.ts'
import { driverOf } from './drivers/drivers.ts'
import type { Field } from './field.ts'
import { readJournals, unfinishedIn } from './journal/disk.ts'
import { holderOn } from './journal/in-cluster.ts'
import { isGone } from '../cluster/holder.ts'
import type { Circumstances } from './refusals.ts'
import type { Scenario } from './scenario.ts'
import { clustersOf } from './scenario.ts'
import { stopReason } from './stop.ts'

/** What the user says in chaos.yaml, beside the command line. */
export type Permission = {
  isArmed: boolean
  arming: Circumstances['arming']
  protectedNamespaces: readonly string[]
  protectedNodes: readonly string[]
}

/** Looks at everything that may speak against a scenario. Reads only. */
export async function circumstancesOf(
  scenario: Scenario,
  id: string,
  field: Field,
  permission: Permission,
  deadline: Deadline,
): Promise<Circumstances> {
  const { fault } = scenario
  const driver = driverOf(fault)
  const targets = await driver.find({ fault, scenario, field, deadline })
  const undo = await driver.undo({ fault, scenario, field, targets, deadline, id })
  const both = async <T>(ask: (connection: Connection, cluster: ClusterName) => Promise<T>) => ({
    infra: await ask(field.connections.infra, 'infra'),
    apps: await ask(field.connections.apps, 'apps'),
  })
  const [uids, unwell, holders, stop, members] = await Promise.all([
    both((connection) => uidOf(connection, deadline)),
    both((connection) => unwellOn(connection, deadline)),
    both((connection) => holderOn(connection, deadline).catch(() => 'somebody who cannot be read')),
    stopReason(field, deadline),
    membersOf(scenario, field, deadline),
  ])
  const { infra, apps } = holders
  return {
    target: field.target,
    ...permission,
    now: new Date(),
    uids,
    unwell,
    holders: { ...(infra === undefined ? {} : { infra }), ...(apps === undefined ? {} : { apps }) },
    stop,
    unfinished: unfinishedHere(uids, scenario),
    targets,
    undo,
    controlPlane: { members, majority: Math.floor(members / 2) + 1 },
  }
}

/** Experiments of dead runners on these clusters; those of living ones hold a Lease. */
function unfinishedHere(uids: Record<ClusterName, string | undefined>, scenario: Scenario): string[] {
  const own = clustersOf(scenario)
  return unfinishedIn(readJournals())
    .filter(({ intent }) =>
      own.some((cluster) => intent.uids[cluster] !== undefined && intent.uids[cluster] === uids[cluster]),
    )
    .filter(({ intent }) => isGone(intent.holder))
    .map(({ intent }) => `${intent.id} (${intent.scenario})`)
}

async function membersOf(scenario: Scenario, field: Field, deadline: Deadline): Promise<number> {
  if (scenario.cluster === 'across') return 0
  const nodes = await readNodes(field.connections[scenario.cluster], deadline)
  return nodes.filter(({ metadata }) => 'node-role.kubernetes.io/control-plane' in metadata.labels).length
}
