import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { execa } from 'execa'
import type { Deadline } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import { exitCodes } from '../check/outcome.ts'
import { SetupError, describeProblem } from '../check/setup-error.ts'
import { connect } from '../cluster/connection.ts'
import { defaultProbeImage } from '../cluster/look.ts'
import type { Target } from '../cluster/target.ts'
import { chooseTarget } from '../cluster/target.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import { loadPlatform } from '../platform/platform.ts'
import { writeJudged } from '../reporters/allure-judged.ts'
import { clearResults } from '../reporters/allure-unjudged.ts'
import { allureResults, publish } from '../reporters/publish.ts'
import { writeWhole } from '../reporters/report-file.ts'
import { permissionOf, readPermission } from './permission.ts'
import type { PermissionFile } from './permission.ts'
import { attainabilityLines } from './attainable-workloads.ts'
import { verifyDrill } from './drill/record.ts'
import { keepDrill } from './drill/run-drill.ts'
import { chooseScenarios, readScenarios } from './read-scenarios.ts'
import type { Field, RebuildHands } from './field.ts'
import { guardExperiment } from './guardian.ts'
import { readJournal } from './journal/disk.ts'
import { planScenarios, runScenarios } from './run-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { sweep } from './sweep.ts'
import { reportOf, shownOf } from './to-report.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

type Flags = { target?: string; kubeconfig?: string }
type RunFlags = Flags & { scenario: string[]; arm: boolean; reports: string; tier?: string; isDrill?: boolean }

const list = (value: string, previous: string[]) => [...previous, ...value.split(',').map((one) => one.trim())]

const program = new Command('pnpm chaos')
  .description('Breaks things on purpose, within limits, and measures what users would have felt.')
  .exitOverride()

const withTarget = (command: Command) =>
  command
    .option('--target <kind>', 'pair (embedded clusters) or live (two contexts of your kubeconfig)')
    .option('--kubeconfig <file>', 'instead of KUBECONFIG or ~/.kube/config')
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride()

withTarget(program.command('run', { isDefault: true }))
  .description('say what would be broken; with --arm, break it')
  .option('--plan', 'only say what would be done (the default)')
  .option('--arm', 'do it', false)
  .option('--scenario <ids>', 'only these scenarios, comma-separated', list, [])
  .option('--tier <number>', 'only scenarios of this tier')
  .option('--reports <folder>', 'where the reports go', 'reports/chaos')
  .action(async (flags: RunFlags) => {
    process.exitCode = await run(flags)
  })

withTarget(program.command('sweep'))
  .description('take back what chaos has left, and say what could not be taken back')
  .option('--clear-stop', 'also clear the stop file and the stop ConfigMaps', false)
  .action(async ({ clearStop, ...flags }: Flags & { clearStop: boolean }) => {
    await onStandingField(flags, async (field) => {
      const { lines, isClean } = await sweep(field, { clearsStop: clearStop })
      console.log(lines.join('\n'))
      process.exitCode = isClean ? exitCodes.conforming : exitCodes.deviating
    })
  })

withTarget(program.command('attainability'))
  .description('say from the workloads as they are which objectives cannot be met; changes and breaks nothing')
  .option('--all', 'also say what can be met', false)
  .action(async ({ all, ...flags }: Flags & { all: boolean }) => {
    await onField(flags, async (field) => {
      console.log((await attainabilityLines(field, all)).join('\n'))
    })
  })

const drill = program.command('drill').description('exercise a tier and keep the evidence').exitOverride()
for (const tier of ['1', '2', '3']) {
  withTarget(drill.command(`tier${tier}`))
    .description(`run all scenarios of tier ${tier}; with --arm`)
    .option('--arm', 'do it', false)
    .option('--reports <folder>', 'where report and record go', 'reports/chaos')
    .action(async (flags: Flags & { arm: boolean; reports: string }) => {
      process.exitCode = await run({ ...flags, tier, scenario: [], isDrill: true })
    })
}
drill
  .command('verify')
  .description('follow the chain of a record and compute its verdicts anew')
  .argument('<file>')
  .exitOverride()
  .action((file: string) => {
    const { header, verdicts, head } = verifyDrill(readFileSync(file, 'utf8'), loadPlatform().figures)
    for (const { scenario, kind, reason } of verdicts) console.log(`${kind.padEnd(13)}${scenario}: ${reason}`)
    const made = header.simulated ? ', simulated: it proves the suite and no platform' : ''
    console.log(`tier ${header.tier} of ${header.startedAt}${made}; verified, its last hash is ${head}`)
  })

withTarget(program.command('guard', { hidden: true }))
  .argument('<journal>')
  .action(async (file: string, flags: Flags) => {
    const recorded = readJournal(file)
    if (!recorded) throw new Error(`${file} holds no intent`)
    await onStandingField(flags, (field) => guardExperiment(recorded.intent, field))
  })

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitOf(error)
}

/** Commander has said already what is wrong with the command line; everything else is said here. */
function exitOf(error: unknown): number {
  if (error instanceof Error && error.name === 'CommanderError' && 'exitCode' in error)
    return error.exitCode === 0 ? 0 : exitCodes.setup
  console.error(error instanceof SetupError ? describeProblem(error.problem) : messageOf(error))
  return exitCodes.setup
}

async function run({ scenario: wanted, tier, arm, reports, isDrill = false, ...flags }: RunFlags): Promise<number> {
  const platform = loadPlatform()
  const all = chooseScenarios(readScenarios(platform.claims), wanted)
  // Nobody loses a cluster by the way: tier 3 is asked for.
  const isWanted = (one: Scenario) =>
    tier === undefined ? wanted.length > 0 || one.tier < 3 : String(one.tier) === tier
  const scenarios = all.filter(isWanted)
  const started = new Date()
  return onField(
    flags,
    async (field, permissionFile, target) => {
      const permission = permissionOf(permissionFile, arm)
      if (!arm) {
        const plans = await planScenarios(scenarios, field, permission)
        console.log(plans.map(({ text }) => text).join('\n\n'))
        console.log(`\n${plans.length} scenarios; nothing was changed. --arm does what the plan says.`)
        return exitCodes.conforming
      }
      const guardCommand = [process.execPath, import.meta.filename, 'guard', ...flagsOf(field, target)]
      const tell = (text: string) =>
        console.log(`${((Date.now() - started.getTime()) / 1_000).toFixed(0).padStart(4)} s  ${text}`)
      const done = await runScenarios(scenarios, { field, permission, guardCommand, tell })
      if (isDrill) {
        const kept = await keepDrill(Number(tier), done, field, started, join(reports, 'drills'))
        console.log(`the record of the drill is ${kept.file}${kept.isComplete ? '' : '; it is not complete'}`)
      }
      const report = await reportOf(done, { scenarios, field, platform, version, started })
      const resultsDir = allureResults(reports)
      await clearResults(resultsDir)
      await writeJudged(shownOf(report, done, platform), { resultsDir, document: platform.figures.document })
      await publish(report, reports)
      await Promise.all(
        done.map(({ run: record }) =>
          writeWhole(join(reports, 'runs', `${record.scenario.id}.json`), JSON.stringify(record)),
        ),
      )
      return report.exitCode
    },
    platform,
  )
}

function flagsOf({ kubeconfig }: Field, { kind }: Pick<Target, 'kind'>): string[] {
  return kind === 'pair' ? ['--target', 'pair'] : ['--target', 'live', '--kubeconfig', kubeconfig]
}

/** The same on what stands already: nobody sweeps or guards a pair that would have to be built for it. */
async function onStandingField(flags: Flags, use: (field: Field) => Promise<void>): Promise<void> {
  const chosen = chooseTarget({ ...flags, folder: process.cwd(), env: process.env })
  if (!('clusters' in chosen)) {
    const { readState } = await import('../fixtures/pair/state.ts')
    const { layoutIn } = await import('../fixtures/pair/layout.ts')
    const state = await readState(layoutIn())
    if (state === undefined || state === 'broken' || state.phase !== 'up') {
      console.log('no pair stands; what chaos did to one went with it')
      return
    }
  }
  await onField(flags, use)
}

/** Opens the clusters and what can be done to their machines, for as long as `use` takes. */
async function onField<T>(
  flags: Flags,
  use: (field: Field, permission: PermissionFile, target: Target) => Promise<T>,
  platform: Platform = loadPlatform(),
): Promise<T> {
  const permission = readPermission(process.cwd())
  const chosen = chooseTarget({ ...flags, folder: process.cwd(), env: process.env })
  const { target, takeDown, machines } = await machinesOf(chosen, permission, platform)
  const connections = {
    infra: await connect(target.kubeconfig, target.clusters.infra.context),
    apps: await connect(target.kubeconfig, target.clusters.apps.context),
  }
  try {
    const field: Field = {
      target: target.kind,
      platform,
      connections,
      kubeconfig: target.kubeconfig,
      contexts: { infra: target.clusters.infra.context, apps: target.clusters.apps.context },
      workloadImage: permission.image ?? defaultProbeImage,
      ...machines,
    }
    return await use(field, permission, target)
  } finally {
    await Promise.all([connections.infra.close(), connections.apps.close()])
    await takeDown()
  }
}

type Machines = Pick<Field, 'power' | 'link' | 'restore' | 'rebuild' | 'placeOn' | 'placeInMesh' | 'picture'>
type Opened = { target: Target; machines: Machines; takeDown: () => Promise<void> }

async function machinesOf(
  chosen: ReturnType<typeof chooseTarget>,
  permission: PermissionFile,
  platform: Platform,
): Promise<Opened> {
  if ('clusters' in chosen) return { target: chosen, machines: liveMachines(permission), takeDown: async () => {} }
  const { ensurePair } = await import('../fixtures/pair/pair.ts')
  const { createProgress } = await import('../fixtures/pair/progress.ts')
  const progress = createProgress({ output: process.stderr })
  const pair = await ensurePair({ platform, progress, signal: new AbortController().signal }).finally(() =>
    progress.stop(),
  )
  const target = {
    ...chosen,
    kubeconfig: pair.kubeconfig,
    clusters: { infra: { context: 'infra' }, apps: { context: 'apps' } },
  }
  return { target, machines: await pairMachines(platform), takeDown: pair.takeDown }
}

/** The pair's own faults, behind the drivers of chaos. */
async function pairMachines(platform: Platform): Promise<Machines> {
  const { openFaults } = await import('../fixtures/pair/faults/faults.ts')
  const { pinnedVersions } = await import('../fixtures/pair/programs/catalogue.ts')
  const faults = await openFaults(platform)
  return {
    power: {
      off: faults.cutPower,
      on: async (node, deadline) => void (await faults.restorePower(node, deadline)),
      isOn: faults.isPowered,
    },
    link: {
      cut: (seconds) => faults.spoilLink({ kind: 'cut' }, seconds),
      join: faults.joinLink,
      packetsDropped: faults.packetsDropped,
    },
    restore: { program: resticOfPair, version: pinnedVersions.restic, filesIn: faults.filesIn },
    rebuild: (cluster, deadline) => rebuildOfPair(cluster, platform, deadline),
    placeOn: async (cluster, without) => {
      const node = faults.nodesOf(cluster).find((name) => !without.includes(name))
      if (node === undefined) throw new Error(`${cluster} has no node left for a prober`)
      return faults.onNode(node)
    },
    placeInMesh: ({ node, containerID }) => faults.inPod(node, containerID),
    picture: faults.picture,
  }
}

async function rebuildOfPair(cluster: ClusterName, platform: Platform, deadline: Deadline): Promise<RebuildHands> {
  const { openRebuild } = await import('../fixtures/pair/rebuild.ts')
  const restic = await resticOfPair()
  const { store, ...hands } = await openRebuild(cluster, platform, deadline)
  const { folder, password, note, empty } = store
  return { ...hands, store: { repository: { program: restic, place: [], url: folder, password }, note, empty } }
}

/** restic is no part of the pair: it is built, once, for the first who restores something. */
async function resticOfPair(): Promise<string> {
  const { ensurePrograms } = await import('../fixtures/pair/programs/programs.ts')
  const { createProgress } = await import('../fixtures/pair/progress.ts')
  const { layoutIn } = await import('../fixtures/pair/layout.ts')
  const progress = createProgress({ output: process.stderr })
  const { signal } = new AbortController()
  const { restic } = await ensurePrograms({ names: ['restic'], cache: layoutIn().home, progress, signal }).finally(() =>
    progress.stop(),
  )
  return restic
}

/** On live clusters a node is switched by the user's own commands, and nothing is known of the machines. */
function liveMachines({ power }: PermissionFile): Machines {
  if (!power) return { picture: async () => [] }
  const act = async (command: readonly string[], node: string, deadlineMs: number) => {
    const [file = '', ...args] = command.map((word) => word.replaceAll('{node}', node))
    await execa(file, args, { timeout: deadlineMs, stdin: 'ignore' })
  }
  return {
    power: {
      off: (node) => act(power.off, node, 60_000),
      on: (node, deadline) => act(power.on, node, deadline.remainingMs()),
      isOn: async () => undefined,
    },
    picture: async () => [],
  }
}
