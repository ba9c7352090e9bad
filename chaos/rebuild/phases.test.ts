import { expect, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import type { Look, Phase, PhaseId } from './phases.ts'
import { phaseIds, phaseText, walkPhases } from './phases.ts'

const phases: Phase[] = phaseIds.map((id) => ({ id, instruction: `see to ${id}`, budgetMinutes: 1 }))
const looksWith = (look: (id: PhaseId) => Look) =>
  Object.fromEntries(phaseIds.map((id) => [id, look(id)])) as Record<PhaseId, Look>

test('a phase that the suite has no hands for waits for a person, and ends when somebody sees that it is done', async () => {
  const told: string[] = []
  const acted: PhaseId[] = []
  let looks = 0
  const records = await walkPhases({
    phases,
    hands: { backup: async () => void acted.push('backup'), data: async () => void acted.push('data') },
    looks: looksWith((id) => async () => {
      if (id !== 'machines') return { done: true, seen: `${id} is there` }
      looks += 1
      if (looks === 2) throw new Error('connection refused')
      return { done: looks > 3, seen: `${looks} of 4 looks` }
    }),
    tell: (text) => told.push(text),
    deadline: deadlineIn(20_000),
    pauseMs: 5,
  })
  expect(acted).toEqual(['backup', 'data'])
  expect(records.map(({ id, by, ended }) => [id, by, ended !== undefined])).toEqual([
    ['backup', 'suite', true],
    ['loss', 'person', true],
    ['machines', 'person', true],
    ['platform', 'person', true],
    ['data', 'suite', true],
    ['link', 'person', true],
  ])
  expect(looks).toBe(4)
  expect(told).toContain('phase 3 of 6, machines, 1 min: YOUR TURN: see to machines')
  expect(told).toContain('phase 5 of 6, data, 1 min: see to data')
  for (const { began, ended } of records) {
    expect(ended?.lower).toBeGreaterThanOrEqual(began)
    expect(ended?.upper).toBeGreaterThanOrEqual(ended?.lower ?? Infinity)
  }
})

test('a phase that is never done ends the walk, and says what was seen last', async () => {
  const records = await walkPhases({
    phases,
    hands: {},
    looks: looksWith((id) => async () => ({ done: id === 'backup', seen: `nodes Ready 0/3` })),
    tell: () => {},
    deadline: deadlineIn(60),
    pauseMs: 5,
  })
  expect(records.map(({ id, ended }) => [id, ended !== undefined])).toEqual([
    ['backup', true],
    ['loss', false],
  ])
  expect(records.map(phaseText)[1]).toBe('phase loss was never done (by a person): nodes Ready 0/3')
})

test('a phase whose hands fail ends the walk with their words', async () => {
  const records = await walkPhases({
    phases,
    hands: {
      backup: async () => {
        throw new Error('no primary is Ready')
      },
    },
    looks: looksWith(() => async () => ({ done: true, seen: '' })),
    tell: () => {},
    deadline: deadlineIn(20_000),
  })
  expect(records.map(phaseText)).toEqual(['phase backup was never done (by the suite): no primary is Ready'])
})

test('a phase over its budget is said so, and goes on', async () => {
  const told: string[] = []
  let looks = 0
  const [record] = await walkPhases({
    phases: [{ id: 'data', instruction: 'restore', budgetMinutes: 0.0001 }],
    hands: {},
    looks: looksWith(() => async () => ({ done: (looks += 1) > 5, seen: 'rows' })),
    tell: (text) => told.push(text),
    deadline: deadlineIn(20_000),
    pauseMs: 5,
  })
  expect(told.filter((text) => text.includes('over its budget'))).toHaveLength(2)
  expect(record && phaseText(record)).toMatch(/^phase data took 0 s of 0.006 s by a person, over its budget: rows$/)
})
