import { expect, test } from 'vitest'
import { wholeOf } from './probers.ts'

test('an answer counts only when all of it came', () => {
  const rows = [{ sequence: 0 }, { sequence: 1 }]
  expect(wholeOf([...rows, { said: 2 }], 'rows')).toEqual(rows)
  expect(wholeOf([{ said: 0 }], 'rows')).toEqual([])
  expect(() => wholeOf(rows, 'rows')).toThrow('rows was cut off: 1 lines came, of nobody knows how many')
  expect(() => wholeOf([rows[1], { said: 2 }], 'rows')).toThrow('rows was cut off: 1 lines came, of 2')
  expect(() => wholeOf([], 'rows')).toThrow('cut off')
})
