import { describe, expect, test } from 'vitest'
import { loadPlatform } from '../../platform/platform.ts'
import { readScenarios } from '../read-scenarios.ts'
import type { Run } from '../run-record.ts'
import { chained, unchained } from './chain.ts'
import { freshnessOf } from './freshness.ts'
import type { DrillHeader, DrillSummary } from './record.ts'
import { drillRecord, verifyDrill } from './record.ts'

const { figures, claims } = loadPlatform()
const [scenario] = readScenarios(claims).filter(({ id }) => id === 'catalog-eviction')

function run(): Run {
  if (!scenario) throw new Error('no scenario')
  const log = Array.from({ length: 200 }, (_, sequence) => {
    const sentAt = sequence * 200
    return { sequence, scheduledAt: sentAt, sentAt, endedAt: sentAt + 3, ok: sentAt < 10_200 || sentAt > 13_000 }
  })
  return {
    id: 'e-1',
    scenario,
    target: 'pair',
    simulated: true,
    uids: { infra: 'uid' },
    startedAt: '2026-01-01T12:00:00.000Z',
    targets: ['Pod demo/catalog-1 (uid)'],
    inject: { lower: 10_000, upper: 10_005 },
    journeys: [{ id: 'catalog', periodMs: 200, log }],
    detected: [],
    victims: [],
    witnesses: [],
    residue: [],
  }
}
const header: DrillHeader = {
  what: 'a drill of twinproof',
  tier: 1,
  target: 'pair',
  simulated: true,
  uids: { infra: 'uid' },
  document: { title: figures.document.title, version: figures.document.version },
  objectives: { podRecovery: 60, nodeRecovery: 300, clusterRecovery: 14_400 },
  commit: 'abc',
  isDirty: false,
  startedAt: '2026-01-01T12:00:00.000Z',
}
const record = () => drillRecord(header, [run()], figures, new Date('2026-01-01T12:05:00Z'))

describe('a drill record', () => {
  test('verifies: its chain holds and its verdicts follow from its raw data', () => {
    const { text, head, end } = record()
    expect(end.isComplete).toBe(true)
    const verified = verifyDrill(text, figures)
    expect([verified.head, verified.verdicts.map(({ kind }) => kind)]).toEqual([head, ['pass']])
  })

  test.each([
    [
      'a figure that was changed',
      (text: string) => text.replace('"podRecovery":60', '"podRecovery":90'),
      'line 1 was changed',
    ],
    ['a raw sample that was changed', (text: string) => text.replace('"ok":false', '"ok":true'), 'line 2 was changed'],
    ['a line that is missing', (text: string) => text.split('\n').toSpliced(1, 1).join('\n'), 'line 2 is number 2'],
    ['an end that is missing', (text: string) => text.split('\n').slice(0, 2).join('\n'), 'no whole drill record'],
    ['something else', () => 'hello', 'line 1 is no line of a drill record'],
  ])('does not with %s', (_, change, said) => {
    expect(() => verifyDrill(change(record().text), figures)).toThrow(said)
  })

  test('whose verdict does not follow from its data is found out, even with a new chain', () => {
    const { bodies } = unchained(record().text)
    const end = bodies.at(-1) as { verdicts: { kind: string }[] }
    const forged = { ...end, verdicts: end.verdicts.map((verdict) => ({ ...verdict, kind: 'fail' })) }
    const { text } = chained([...bodies.slice(0, -1), forged])
    expect(() => verifyDrill(text, figures)).toThrow('the record says fail, its raw data says pass')
  })
})

describe('the freshness of drills', () => {
  const summary = (changes: Partial<DrillSummary> = {}): DrillSummary => ({
    tier: 1,
    simulated: false,
    uid: 'uid',
    startedAt: '2026-01-01T12:00:00Z',
    endedAt: '2026-01-01T12:30:00Z',
    isComplete: true,
    head: 'x',
    verdicts: { pass: 3 },
    ...changes,
  })
  const judged = (records: DrillSummary[], now = '2026-01-08T12:00:00Z', uid: string | undefined = 'uid') =>
    freshnessOf(1, uid, records, figures, new Date(now))

  test('is met within the interval and not a day later', () => {
    expect(judged([summary()]).kind).toBe('pass')
    expect(judged([summary()], '2026-01-08T13:00:00Z')).toEqual({
      kind: 'fail',
      reason:
        'the newest drill of tier 1 ended 7.0 days ago, at 2026-01-01T12:30:00Z: its record has expired after 7 days',
    })
  })

  test.each([
    ['none', []],
    ['a simulated one', [summary({ simulated: true })]],
    ['one of another cluster', [summary({ uid: 'other' })]],
    ['one of another tier', [summary({ tier: 2 })]],
    ['an incomplete one', [summary({ isComplete: false })]],
    ['one from the future', [summary({ endedAt: '2026-02-01T00:00:00Z' })]],
  ])('is not met by %s', (_, records) => {
    expect(judged(records).kind).toBe('fail')
  })

  test('says what did not count, and is inconclusive on an unknown cluster', () => {
    expect(judged([summary({ simulated: true })]).reason).toBe(
      'no drill of tier 1 is on record here; of 1 records are 1 simulated, which do not count',
    )
    expect(freshnessOf(1, undefined, [summary()], figures, new Date()).kind).toBe('inconclusive')
  })
})
