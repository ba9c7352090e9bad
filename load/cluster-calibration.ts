import type { Deadline } from '../check/deadline.ts'
import { pathOf } from '../cluster/own-namespace.ts'
import { loads } from '../cluster/own-objects.ts'
import type { ArmSite } from './batch.ts'
import { roleOf } from './batch.ts'
import type { Arm } from './blocks.ts'
import type { Calibrated } from './calibration.ts'
import { foundIn } from './calibration.ts'
import type { RateResult, Told } from './experiment.ts'
import { batchSeconds, experiment } from './experiment.ts'
import { generatorOf } from './measure.ts'
import type { TestPlan } from './plan.ts'
import type { Random } from './random.ts'
import type { LoadSite, Server } from './servers.ts'
import { podOf, urlOf } from './servers.ts'
import { fewestBlocks } from './verdict.ts'

/** What is done wrong on purpose on real clusters, so that it has to be noticed. */
export const clusterFaults = ['throttled', 'dead', 'saturated', 'swapped'] as const
export type ClusterFault = (typeof clusterFaults)[number]

/** The least that the kernel gives: a hundredth of a processor. */
const throttledLimit = '10m'

/** Two identical servers without the mesh; the control is the one that suffers. Only swapped arms need the mesh. */
export const calibrationServers = (fault: ClusterFault | undefined): readonly Server[] =>
  fault === 'swapped'
    ? [
        { name: 'meshed', role: 'meshed' },
        { name: 'plain', role: 'plain' },
      ]
    : [
        { name: 'one', role: 'plain' },
        { name: 'other', role: 'plain', ...(fault === 'throttled' ? { cpuLimit: throttledLimit } : {}) },
      ]

/** What is sent by a calibration on both clusters, and how long it takes. */
export function calibrationBounds({ rates, shape, leadSeconds }: TestPlan, runs: number) {
  const blocks = runs * fewestBlocks
  const [rate = 0] = rates
  return {
    requests: 2 * 2 * blocks * rate * (shape.warmUpSeconds + shape.seconds),
    seconds: standingSeconds + batchSeconds({ leadSeconds, shape }, blocks),
  }
}
/** Until servers stand, and until nothing is left. */
const standingSeconds = 45

/** As many blocks as the runs need, in as few goes as k6's log allows. */
export async function calibrateOn(
  site: LoadSite,
  { plan, runs, fault, random }: { plan: TestPlan; runs: number; fault: ClusterFault | undefined; random: Random },
  told: Told,
  deadline: Deadline,
): Promise<RateResult[]> {
  if (fault === 'dead') await endServer(site, deadline)
  return experiment(
    {
      name: 'calibration',
      rates: plan.rates.slice(0, 1),
      shape: plan.shape,
      leastBlocks: runs * fewestBlocks,
      addsBlocks: false,
      leadSeconds: plan.leadSeconds,
      random,
      arms: { treated: armSite(site, fault, 'treated'), control: armSite(site, fault, 'control') },
      meshed: fault === 'swapped' ? ['treated'] : [],
      ...(fault === 'saturated' ? { users: 1 } : {}),
    },
    told,
    deadline,
  )
}

function armSite(site: LoadSite, fault: ClusterFault | undefined, arm: Arm): ArmSite {
  const other: Record<Arm, Arm> = { treated: 'control', control: 'treated' }
  const role = fault === 'swapped' ? roleOf[other[arm]] : 'plain'
  const identical = arm === 'treated' ? 'one' : 'other'
  const name = fault === 'swapped' ? role : identical
  return {
    role,
    client: generatorOf(site),
    target: urlOf(name, site),
    server: { connection: site.connection, name },
  }
}

const endServer = ({ connection, ...site }: LoadSite, deadline: Deadline) =>
  connection.send(
    { method: 'DELETE', path: `${pathOf(loads)}/pods/${podOf('other', site)}?gracePeriodSeconds=0` },
    deadline,
  )

/** Each five blocks are one run; one of which a block is void has no result. */
export function runsIn({ ran, judged }: RateResult, random: Random): Calibrated[] {
  const runs = Math.floor(ran.length / fewestBlocks)
  return Array.from({ length: runs }, (_, index) => {
    const own = ran.slice(index * fewestBlocks, (index + 1) * fewestBlocks)
    const counted = own.filter(({ reasons }) => reasons.length === 0).map(({ block }) => block)
    return { counted, found: foundIn(counted, judged, random) }
  })
}
