import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf } from '../check/error-message.ts'
import { exitCodes } from '../check/outcome.ts'
import { SetupError, describeProblem } from '../check/setup-error.ts'
import { chooseTarget, isLiveWanted } from '../cluster/target.ts'
import type { ClusterFault } from './cluster-calibration.ts'
import { clusterFaults } from './cluster-calibration.ts'
import type { TestPlan } from './plan.ts'
import { fullPlan, leastSecondsOf, quickPlan } from './plan.ts'
import { runCalibration } from './run-calibration.ts'
import { run } from './run.ts'
import { fewestBlocks } from './verdict.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const wholeAtLeast = (least: number) => (text: string) => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`a whole number, ${least} or more.`)
  return value
}
const ratesOf = (text: string) => text.split(',').map(wholeAtLeast(1))
const greatestSeed = 2 ** 31

const command = new Command('pnpm test:load')
  .description(
    'Loads both clusters for a while and judges what the document says about that: latency and cost of the mesh.',
  )
  .option('--target <kind>', 'pair (embedded clusters) or live (two contexts of your kubeconfig)')
  .option('--kubeconfig <file>', 'instead of KUBECONFIG or ~/.kube/config')
  .option('--quick', 'few requests, at most four minutes: for the pair', false)
  .option('--rates <list>', 'requests per second, comma-separated', ratesOf)
  .option('--blocks <count>', 'at each rate, at least', wholeAtLeast(fewestBlocks))
  .option('--seconds <count>', 'measured, in each arm of each block', wholeAtLeast(1))
  .option('--warm-up <seconds>', 'before it, discarded', wholeAtLeast(0))
  .option(
    '--known <seconds>',
    'of the load that store and dashboard are asked about; 60 with --quick for its verdict',
    wholeAtLeast(5),
  )
  .option('--budget <minutes>', 'for all of it; blocks are added while it lasts', wholeAtLeast(1))
  .option('--generators <count>', 'k6 per arm, by the k6-operator', wholeAtLeast(1))
  .option('--seed <number>', 'of the order of the arms and of the bootstrap', wholeAtLeast(0))
  .option('--reports <folder>', 'where the reports go', join('reports', 'load'))
  .option('--calibrate', 'two identical arms instead: how often would the test find what is not there?', false)
  .option('--runs <count>', 'of a calibration, on each cluster', wholeAtLeast(1), 1)
  .addOption(new Option('--fault <kind>', 'of a calibration, done on purpose').choices(clusterFaults))
  .version(version)
  .showHelpAfterError('(add --help for what is possible)')
  .exitOverride()

type Flags = {
  target?: string
  kubeconfig?: string
  quick: boolean
  rates?: number[]
  blocks?: number
  seconds?: number
  warmUp?: number
  known?: number
  budget?: number
  generators?: number
  seed?: number
  calibrate: boolean
  runs: number
  fault?: ClusterFault
  reports: string
}

function planOf({ quick, rates, blocks, seconds, warmUp, known, budget }: Flags): TestPlan {
  const plan = quick ? quickPlan : fullPlan
  return {
    ...plan,
    rates: rates ?? plan.rates,
    leastBlocks: blocks ?? plan.leastBlocks,
    knownSeconds: known ?? plan.knownSeconds,
    shape: {
      ...plan.shape,
      warmUpSeconds: warmUp ?? plan.shape.warmUpSeconds,
      seconds: seconds ?? plan.shape.seconds,
    },
    budgetSeconds: budget === undefined ? plan.budgetSeconds : budget * 60,
  }
}

try {
  command.parse()
  const flags = command.opts<Flags>()
  if (flags.fault !== undefined && !flags.calibrate) command.error('--fault goes with --calibrate')
  const plan = planOf(flags)
  const needed = leastSecondsOf(plan)
  if (!flags.calibrate && needed > plan.budgetSeconds)
    command.error(
      `--budget: ${plan.leastBlocks} blocks at each of ${plan.rates.length} rates and what is measured beside them take ${Math.ceil(needed / 60)} minutes`,
    )
  const asked = { target: flags.target, kubeconfig: flags.kubeconfig, folder: process.cwd(), env: process.env }
  const common = {
    reports: flags.reports,
    target: () => chooseTarget(asked),
    plan,
    seed: flags.seed ?? Math.floor(Math.random() * greatestSeed),
  }
  process.exitCode = flags.calibrate
    ? await runCalibration({ ...common, runs: flags.runs, fault: flags.fault })
    : await run({
        ...common,
        version,
        wanted: isLiveWanted(asked) ? 'live' : 'pair',
        ...(flags.generators === undefined ? {} : { generators: flags.generators }),
      })
} catch (error) {
  process.exitCode = exitOf(error)
}

/** Commander has said already what is wrong with a flag; everything else is said here. */
function exitOf(error: unknown): number {
  if (error instanceof Error && 'exitCode' in error) return error.exitCode === 0 ? 0 : exitCodes.setup
  console.error(error instanceof SetupError ? describeProblem(error.problem) : messageOf(error))
  return exitCodes.setup
}
