import { Command } from 'commander'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import { exitCodes } from '../../check/outcome.ts'
import { SetupError, describeProblem } from '../../check/setup-error.ts'
import { connect } from '../connection.ts'
import { chooseTarget } from '../target.ts'
import { sweep } from '../own-namespace.ts'
import { ownNamespaces } from '../own-objects.ts'

const budgetMs = 90_000

const command = new Command('pnpm sweep')
  .description('Removes what a killed run has left on your two clusters: the namespaces of its probes and loads.')
  .option('--kubeconfig <file>', 'instead of KUBECONFIG or ~/.kube/config')
  .option('--force', 'also when another run still holds it', false)
  .showHelpAfterError('(add --help for what is possible)')

try {
  command.parse()
  const { kubeconfig, force } = command.opts<{ kubeconfig?: string; force: boolean }>()
  const target = chooseTarget({ target: 'live', kubeconfig, folder: process.cwd(), env: process.env })
  if (!('clusters' in target)) throw new Error('sweeping needs two clusters')
  const results = await Promise.all(
    [target.clusters.infra, target.clusters.apps].map(async ({ context }) => {
      const connection = await connect(target.kubeconfig, context)
      try {
        const deadline = deadlineIn(budgetMs)
        return await Promise.all(ownNamespaces.map((own) => sweep(own, connection, force, deadline)))
      } finally {
        await connection.close()
      }
    }),
  )
  for (const { line } of results.flat()) console.log(line)
  process.exitCode = results.flat().every(({ isClean }) => isClean) ? 0 : 1
} catch (error) {
  console.error(error instanceof SetupError ? describeProblem(error.problem) : messageOf(error))
  process.exitCode = exitCodes.setup
}
