import { expect, test } from 'vitest'
import { figurePaths, valueIn } from './kromgo.ts'

test('figures are found in configurations of both generations', () => {
  expect(figurePaths('metrics: [{name: node count, query: up}]')).toEqual([{ id: 'node count', path: '/node%20count' }])
  expect(figurePaths('prometheus: http://store\nbadges: [{id: pods, query: up}]')).toEqual([
    { id: 'pods', path: '/badges/pods?format=json' },
  ])
  expect(figurePaths('prometheus: http://store')).toEqual([])
  expect(() => figurePaths('metrics: [{query: up}]')).toThrow('name')
})

test('a value is found in answers of both generations, and in nothing else', () => {
  expect(valueIn('{"id":"pods","value":"118","result":118}')).toBe('118')
  expect(valueIn('{"schemaVersion":1,"label":"pods","message":"118"}')).toBe('118')
  expect([valueIn('{"standIn":"kromgo"}'), valueIn('<svg/>'), valueIn('')]).toEqual([undefined, undefined, undefined])
})
