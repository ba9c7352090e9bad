import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { messageOf } from '../check/error-message.ts'
import { SetupError } from '../check/setup-error.ts'
import { countLines, describeAnchor, describeLine, lostLines, movedAnchors } from './anchors.ts'
import { loadPlatform } from './platform.ts'

/** `pnpm claims:verify --document FILE`: exit 0 when every anchor and line stands in the document, 1 when not, 3 for usage. */
function main(): number {
  const program = new Command('claims:verify')
    .description('proves that the anchors of the claims and the lines of the figures stand in the document')
    .requiredOption('--document <file>', 'the architecture overview, as Markdown')
    .exitOverride()
  try {
    program.parse()
    return verify(program.opts<{ document: string }>().document)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 3
    if (!(error instanceof SetupError)) throw error
    console.error(error.message)
    return 3
  }
}

function verify(file: string): number {
  const document = linesOf(file)
  const { claims, figures, names } = loadPlatform()
  const moved = movedAnchors(document, claims)
  const lost = [...lostLines(document, 'platform.yaml', figures), ...lostLines(document, 'names.yaml', names)]
  for (const text of [...moved.map(describeAnchor), ...lost.map(describeLine)]) console.log(text)
  const total = countLines(figures) + countLines(names)
  console.log(
    `${claims.length - moved.length} of ${claims.length} anchors and ${total - lost.length} of ${total} lines stand in ${file}`,
  )
  return moved.length + lost.length === 0 ? 0 : 1
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)
  } catch (error) {
    throw new SetupError({
      what: 'reading the document',
      where: file,
      expected: 'the architecture overview, as Markdown',
      found: messageOf(error),
      try: 'give the path of your document with --document',
    })
  }
}

process.exitCode = main()
