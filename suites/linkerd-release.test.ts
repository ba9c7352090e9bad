import { describe, expect, test } from 'vitest'
import { linkerdRelease } from './linkerd-release.ts'

describe('Linkerd releases', () => {
  test.for([
    ['edge-25.4.4', '2.18.0'],
    ['edge-25.10.6', '2.18.0'],
    ['edge-25.10.7', '2.19.0'],
    ['edge-25.4.3', '2.0.0'],
    ['stable-2.14.10', '2.14.10'],
    ['enterprise-2.18.1', '2.18.1'],
    ['latest', undefined],
    ['', undefined],
  ] as const)('%s is %s', ([tag, version]) => {
    expect(linkerdRelease.versionOf(tag)).toBe(version)
  })

  test('an edge before the first one of 2.18 is not 2.18', () => {
    expect(linkerdRelease.isAtLeast('edge-25.4.4', '2.18')).toBe(true)
    expect(linkerdRelease.isAtLeast('edge-25.4.3', '2.18')).toBe('is edge-25.4.3')
    expect(linkerdRelease.isAtLeast('nightly', '2.18')).toBe('is "nightly", which tells no version')
  })
})
