import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'

/** One thing that has to hold: a script of package.json, or a command in a folder. */
type Step = { name: string; script: string } | { name: string; command: string; cwd: string }

const standIn = 'fixtures/pair/stand-in'

// Quick ones first: a typo should not cost a cluster.
const steps: readonly Step[] = [
  { name: 'lint and format', script: 'lint' },
  { name: 'types', script: 'types' },
  { name: 'nothing unused', script: 'unused' },
  { name: 'stand-in: vet', command: 'go vet ./...', cwd: standIn },
  { name: 'stand-in: tests', command: 'go test ./...', cwd: standIn },
  { name: 'unit tests', script: 'test:unit' },
  { name: 'drifts on the golden snapshot', script: 'test:drifts' },
  { name: 'live run on the pair', script: 'test:pair' },
  { name: 'pairs killed half-way', script: 'test:lifecycle' },
]

const root = join(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

function commandOf(step: Step): { command: string; cwd: string } {
  if ('command' in step) return { command: step.command, cwd: join(root, step.cwd) }
  const command = scripts[step.script]
  if (command === undefined) throw new Error(`package.json has no script ${step.script}`)
  return { command, cwd: root }
}

const failed: string[] = []
const lines: string[] = []
for (const step of steps) {
  const { command, cwd } = commandOf(step)
  console.log(`\n== ${step.name}: ${command}`)
  const began = performance.now()
  // One after the other: two of them at once would only slow each other down.
  // oxlint-disable-next-line no-await-in-loop
  const result = await execa(command, {
    cwd,
    shell: true,
    preferLocal: true,
    localDir: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  })
  lines.push(
    `  ${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${result.failed ? 'FAILED' : 'passed'}  ${step.name}`,
  )
  if (!result.failed) continue
  failed.push(step.name)
  console.error(result.shortMessage)
}
console.log(`\n${lines.join('\n')}`)
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
