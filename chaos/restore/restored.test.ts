import { describe, expect, test } from 'vitest'
import type { Restored } from './restored.ts'
import { restoreSeen, restoreVerdict } from './restored.ts'

const objectiveMs = 60_000
const at = (ms: number) => ({ lower: ms, upper: ms })
const row = (sequence: number, digest = `digest of ${sequence}`) => ({ sequence, isIntact: true, digest })
const written = (sequence: number) => ({ sequence, ok: true, sentAt: sequence * 100, endedAt: sequence * 100 + 10 })
const upTo = (last: number) => Array.from({ length: last + 1 }, (_, sequence) => sequence)

/** Rows 0 to 20 are written before the backup at 2,050 ms, up to 30 while it runs; it ends at 3,000, the restore at 5,000. */
const restored: Restored = {
  backupBegan: at(2_050),
  backupEnded: at(3_000),
  restoreBegan: at(3_000),
  served: { lower: 4_800, upper: 5_000 },
  tool: 'restic',
  files: 3,
  bytes: 1_000,
  rows: upTo(25).map((sequence) => row(sequence)),
  originals: upTo(40).map((sequence) => row(sequence)),
}
const log = upTo(40).map(written)
const verdict = (change: Partial<Restored> = {}, writes = log, doubts: string[] = [], allowed = objectiveMs) =>
  restoreVerdict(restoreSeen({ ...restored, ...change }, writes), allowed, doubts)

describe('a restore', () => {
  test('passes when all that was acknowledged before the backup is there and nothing differs', () => {
    expect(verdict()).toEqual({
      kind: 'pass',
      reason:
        '26 rows came back and equal the original; of 21 acknowledged before the backup none is missing; restored in [1.80, 2.00] s; the newest was [0.49, 0.50] s old when the restore began',
    })
  })

  test('that brought back nothing fails, however well it ended', () => {
    expect(verdict({ rows: [] })).toMatchObject({ kind: 'fail', reason: expect.stringContaining('nothing') })
  })

  test('fails for one row that is missing', () => {
    const rows = restored.rows.filter(({ sequence }) => sequence !== 20)
    expect(verdict({ rows })).toMatchObject({
      kind: 'fail',
      reason: '1 of 21 writes that were acknowledged before the backup are not in it, the first is number 20',
    })
  })

  test('does not need what was written while the backup ran', () => {
    expect(verdict({ rows: upTo(20).map((sequence) => row(sequence)) })).toMatchObject({ kind: 'pass' })
  })

  test('fails for one row that is another one, damaged, or from elsewhere', () => {
    const changed = (other: ReturnType<typeof row>) => [...restored.rows.slice(0, 25), other]
    const reason = '1 of 26 restored rows differ from the original, the first is number'
    expect(verdict({ rows: changed(row(25, 'other')) })).toEqual({ kind: 'fail', reason: `${reason} 25` })
    expect(verdict({ rows: changed({ ...row(25), isIntact: false }) })).toEqual({
      kind: 'fail',
      reason: `${reason} 25`,
    })
    expect(verdict({ rows: changed(row(99)) })).toEqual({ kind: 'fail', reason: `${reason} 99` })
  })

  test('fails when it took longer than allowed, and is inconclusive when nobody knows', () => {
    expect(verdict({}, log, [], 1_700).kind).toBe('fail')
    expect(verdict({}, log, [], 1_900).kind).toBe('inconclusive')
    expect(verdict({}, log, [], 2_100).kind).toBe('pass')
  })

  test('of nothing proves nothing', () => {
    const later = log.map((one) => ({ ...one, endedAt: one.endedAt + 10_000 }))
    expect(verdict({}, later).kind).toBe('inconclusive')
    expect(verdict({}, log, ['the prober of postgres: it ended'])).toEqual({
      kind: 'inconclusive',
      reason: 'the prober of postgres: it ended',
    })
    expect(restoreVerdict(undefined, objectiveMs, []).kind).toBe('inconclusive')
  })
})
