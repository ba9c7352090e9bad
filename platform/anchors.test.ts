import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { describeAnchor, describeLine, lostLines, movedAnchors } from './anchors.ts'
import type { Claim } from './claims.ts'
import { loadPlatform } from './platform.ts'

const document = ['# Two clusters', '', 'Pool: .100-.149', 'Router: SRX', '', 'Pool: .100-.149', 'Nodes: 3']

const claim = (id: string, quote: string, ...lines: number[]): Claim => ({
  id,
  clusters: 'each',
  lines,
  quote,
  claim: 'Something is so.',
  observe: ['Node'],
  method: ['api'],
  phase: 1,
})

describe('anchors', () => {
  test('that stand on one of their lines have not moved', () => {
    expect(movedAnchors(document, [claim('NET-01', 'Pool: .100', 1, 3), claim('TOPO-02', 'Nodes: 3', 7)])).toEqual([])
  })

  test('that moved are reported with the nearest line that holds them now', () => {
    const moved = movedAnchors(document, [
      claim('NET-01', 'Pool: .100', 5),
      claim('NET-02', 'Router: SRX', 1, 3),
      claim('TOPO-02', 'Nodes: 4', 7),
    ])
    expect(moved.map(describeAnchor).join('\n')).toMatchInlineSnapshot(`
      "NET-01  "Pool: .100" was on line 5, is on line 6 now
      NET-02  "Router: SRX" was on one of the lines 1, 3, is on line 4 now
      TOPO-02  "Nodes: 4" was on line 7, is nowhere now"
    `)
  })
})

test('lines of figures that are empty or not there are reported with their path', () => {
  const figures = {
    pool: { start: '.100', lines: [3, 5] },
    nodes: [
      { name: 'one', lines: [7] },
      { name: 'two', lines: [8] },
    ],
  }
  expect(lostLines(document, 'platform.yaml', figures).map(describeLine).join('\n')).toMatchInlineSnapshot(`
    "platform.yaml  pool: line 5 is empty or not there
    platform.yaml  nodes[1]: line 8 is empty or not there"
  `)
})

const verify = (...words: string[]) =>
  execa(process.execPath, [join(import.meta.dirname, 'verify.ts'), ...words], { reject: false })

// Each starts a program, which takes a while on a busy machine.
describe('claims:verify', { timeout: 60_000 }, () => {
  test('exits with 1 when anchors are gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'document-'))
    const file = join(folder, 'OVERVIEW.md')
    writeFileSync(file, document.join('\n'))
    const { exitCode, stdout } = await verify('--document', file)
    rmSync(folder, { recursive: true })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('TOPO-02  "Nodes: 10.25.11.11-13" was on one of the lines 38, 39, 40, 41, is nowhere now')
    expect(stdout).toContain('0 of 157 anchors')
  })

  test('exits with 3 when it is not told which document', async () => {
    const { exitCode, stderr } = await verify()
    expect({ exitCode, stderr }).toMatchInlineSnapshot(`
      {
        "exitCode": 3,
        "stderr": "error: required option '--document <file>' not specified",
      }
    `)
  })

  test('exits with 3 when the document cannot be read', async () => {
    const { exitCode, stderr } = await verify('--document', 'nowhere.md')
    expect({ exitCode, stderr }).toMatchInlineSnapshot(`
      {
        "exitCode": 3,
        "stderr": "reading the document failed
        where      nowhere.md
        expected   the architecture overview, as Markdown
        found      ENOENT: no such file or directory, open 'nowhere.md'
        try        give the path of your document with --document",
      }
    `)
  })
})

const besideUs = join(import.meta.dirname, '../../shared/document/MULTI-CLUSTER-OVERVIEW.md')

test('all anchors and lines stand in the overview itself', { timeout: 60_000 }, (context) => {
  const file = process.env['CONFORMANCE_DOCUMENT'] ?? besideUs
  context.skip(
    file === besideUs && !existsSync(file),
    'the overview is not at hand: name it in CONFORMANCE_DOCUMENT, or run pnpm claims:verify --document FILE',
  )
  const overview = readFileSync(file, 'utf8').split(/\r?\n/)
  const { claims, figures, names } = loadPlatform()
  expect(movedAnchors(overview, claims).map(describeAnchor)).toEqual([])
  expect(lostLines(overview, 'platform.yaml', figures).map(describeLine)).toEqual([])
  expect(lostLines(overview, 'names.yaml', names).map(describeLine)).toEqual([])
})
