import { describe, expect, test } from 'vitest'
import { contains, nthAddress, overlap, rangeOf, sizeOf } from './addresses.ts'

describe('ranges of addresses', () => {
  test.for([
    ['10.244.0.0/16', '10.244.0.0', true],
    ['10.244.0.0/16', '10.244.255.255', true],
    ['10.244.0.0/16', '10.245.0.0', false],
    ['10.244.0.0/16', '10.244.3.0/24', true],
    ['10.244.3.0/24', '10.244.0.0/16', false],
    ['10.25.11.100-10.25.11.149', '10.25.11.100', true],
    ['10.25.11.100-10.25.11.149', '10.25.11.149', true],
    ['10.25.11.100-10.25.11.149', '10.25.11.150', false],
    ['10.25.11.100-10.25.11.149', '10.25.11.99', false],
    ['10.244.0.0/16', 'fd00::1', false],
    ['fd00::/64', 'fd00::5', true],
  ] as const)('%s contains %s: %s', ([outer, inner, expected]) => {
    expect(contains(outer, inner)).toBe(expected)
  })

  test.for([
    ['10.244.0.0/16', '10.245.0.0/16', false],
    ['10.244.0.0/15', '10.245.0.0/16', true],
    ['10.245.0.0/16', '10.244.0.0/15', true],
    ['10.25.11.100-10.25.11.149', '10.25.11.149-10.25.11.199', true],
    ['10.25.11.100-10.25.11.149', '10.25.11.150-10.25.11.199', false],
  ] as const)('%s overlaps %s: %s', ([a, b, expected]) => {
    expect(overlap(a, b)).toBe(expected)
  })

  test('sizes and members are counted from the network address', () => {
    expect(sizeOf('10.25.11.100-10.25.11.149')).toBe(50)
    expect(sizeOf('10.244.0.0/24')).toBe(256)
    expect(nthAddress('10.245.0.0/16', 1)).toBe('10.245.0.1')
    expect(nthAddress('10.245.0.0/16', 300)).toBe('10.245.1.44')
  })

  test('what is no range is named', () => {
    expect(() => rangeOf('10.244.0.0/33')).toThrow('"10.244.0.0/33" is no address and no range of addresses')
    expect(() => rangeOf('')).toThrow('"" is no address and no range of addresses')
  })
})
