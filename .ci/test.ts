import { execa } from 'execa'

/** One thing that has to hold; the command says the rest. */
type Step = { name: string; command: readonly [string, ...string[]]; cwd?: string }

const standIn = 'fixtures/pair/stand-in'

// Quick ones first: a typo should not cost a cluster.
const steps: readonly Step[] = [
  { name: 'lint and format', command: ['pnpm', 'lint'] },
  { name: 'types', command: ['pnpm', 'types'] },
  { name: 'nothing unused', command: ['pnpm', 'unused'] },
  { name: 'stand-in: vet', command: ['go', 'vet', './...'], cwd: standIn },
  { name: 'stand-in: tests', command: ['go', 'test', './...'], cwd: standIn },
  { name: 'unit tests', command: ['pnpm', 'test:unit'] },
  { name: 'drifts on the golden snapshot', command: ['pnpm', 'test:drifts'] },
  { name: 'live run on the pair', command: ['pnpm', 'test:pair'] },
  { name: 'pairs killed half-way', command: ['pnpm', 'test:lifecycle'] },
]

const root = new URL('..', import.meta.url).pathname
const failed: string[] = []
const times: string[] = []
for (const { name, command, cwd = '.' } of steps) {
  console.log(`\n== ${name}: ${command.join(' ')}`)
  const [program, ...args] = command
  const began = performance.now()
  // One after the other: two of them at once would only slow each other down.
  // oxlint-disable-next-line no-await-in-loop
  const { failed: bad, shortMessage } = await execa(program === 'pnpm' ? 'npx' : program, program === 'pnpm' ? ['-y', 'pnpm@12', ...args] : args, {
    cwd: new URL(cwd, `file://${root}`).pathname,
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  })
  times.push(`  ${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${bad ? 'FAILED' : 'passed'}  ${name}`)
  if (bad) {
    failed.push(name)
    console.error(shortMessage)
  }
}
console.log(`\n${times.join('\n')}`)
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
