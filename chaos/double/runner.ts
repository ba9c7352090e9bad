// Runs a scenario on doubles: `runner.ts KUBECONFIG FOLDER SCENARIO`. Tests kill it at every step. `runner.ts KUBECONFIG
// FOLDER guard JOURNAL` is its guardian.
import { readFileSync } from 'node:fs'
import { guardExperiment } from '../guardian.ts'
import { readJournal } from '../journal/disk.ts'
import { runScenarios } from '../run-scenarios.ts'
import { scenarioSchema } from '../scenario.ts'
import { openDouble } from './field-double.ts'

const [kubeconfig = '', folder = '', what = '', journal = ''] = process.argv.slice(2)
const field = await openDouble(kubeconfig, folder)
if (what === 'guard') {
  const recorded = readJournal(journal)
  if (!recorded) throw new Error(`${journal} holds no intent`)
  await guardExperiment(recorded.intent, field)
} else {
  const scenario = scenarioSchema.parse(JSON.parse(readFileSync(what, 'utf8')))
  const done = await runScenarios([scenario], {
    field,
    permission: { isArmed: true, arming: undefined, protectedNamespaces: [], protectedNodes: [] },
    guardCommand: [process.execPath, import.meta.filename, kubeconfig, folder, 'guard'],
    tell: (text) => console.error(text),
  })
  console.log(JSON.stringify(done.map(({ run }) => run)))
}
await Promise.all([field.connections.infra.close(), field.connections.apps.close()])
