import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { exitCodes } from '../check/outcome.ts'
import { messageOf } from '../check/error-message.ts'
import { SetupError, describeProblem } from '../check/setup-error.ts'
import { chooseTarget, isLiveWanted } from '../cluster/target.ts'
import { run } from './run.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const list = (value: string, previous: string[]) => [...previous, ...value.split(',').map((one) => one.trim())]

const command = new Command('pnpm test:conformance')
  .description('Judges which sentences of the document are true of the two clusters.')
  .option('--target <kind>', 'pair (embedded clusters) or live (two contexts of your kubeconfig)')
  .option('--kubeconfig <file>', 'instead of KUBECONFIG or ~/.kube/config')
  .option('--claim <ids>', 'only these claims, comma-separated', list, [])
  .option('--chapter <names>', 'only these chapters, comma-separated', list, [])
  .option('--read-only', 'create no object: claims that need probe pods are then unsupported', false)
  .option('--reports <folder>', 'where the reports go', 'reports')
  .version(version)
  .showHelpAfterError('(add --help for what is possible)')
  .exitOverride()

try {
  command.parse()
  const options = command.opts<{
    target?: string
    kubeconfig?: string
    claim: string[]
    chapter: string[]
    readOnly: boolean
    reports: string
  }>()
  const asked = { target: options.target, kubeconfig: options.kubeconfig, folder: process.cwd(), env: process.env }
  process.exitCode = await run({
    root,
    version,
    reports: options.reports,
    filter: { claims: options.claim, chapters: options.chapter },
    readOnly: options.readOnly,
    wanted: isLiveWanted(asked) ? 'live' : 'pair',
    target: () => chooseTarget(asked),
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
