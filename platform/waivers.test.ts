import { describe, expect, test } from 'vitest'
import { activeWaiver } from './waivers.ts'

const waiver = { claim: 'NET-08', justification: 'the pool moves', owner: 'Dana', until: '2026-01-31' }
const lastMoment = new Date('2026-01-31T23:59:59Z')

describe('a waiver', () => {
  test('is active through its last day', () => {
    expect(activeWaiver([waiver], 'NET-08', 'apps', lastMoment)).toBe(waiver)
  })

  test('is not active once it has expired', () => {
    expect(activeWaiver([waiver], 'NET-08', 'apps', new Date('2026-02-01T00:00:00Z'))).toBeUndefined()
  })

  test('covers its claim only', () => {
    expect(activeWaiver([waiver], 'NET-07', 'apps', lastMoment)).toBeUndefined()
  })

  test('of one cluster covers neither the other one nor both together', () => {
    const onApps = { ...waiver, clusters: ['apps' as const] }
    const covered = (['infra', 'apps', 'across'] as const).filter((place) =>
      activeWaiver([onApps], 'NET-08', place, lastMoment),
    )
    expect(covered).toEqual(['apps'])
  })

  test('of both clusters covers what relates them', () => {
    const onBoth = { ...waiver, clusters: ['infra' as const, 'apps' as const] }
    expect(activeWaiver([onBoth], 'NET-08', 'across', lastMoment)).toBe(onBoth)
  })

  test('that expired does not hide a later one', () => {
    const renewed = { ...waiver, until: '2026-06-30' }
    expect(activeWaiver([waiver, renewed], 'NET-08', 'apps', new Date('2026-03-01T00:00:00Z'))).toBe(renewed)
  })
})
