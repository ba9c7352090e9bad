import { describe, expect, test } from 'vitest'
import { imageOf, isAtLeast, isImage, versionOfTag } from './images.ts'

describe('image references', () => {
  test.for([
    ['quay.io/cilium/cilium:v1.18.2@sha256:0123', 'cilium/cilium', 'v1.18.2'],
    ['cilium/cilium:v1.18.2', 'cilium/cilium', 'v1.18.2'],
    ['localhost:5000/cilium/cilium', 'cilium/cilium', undefined],
    ['registry.k8s.io/pause:3.10', 'pause', '3.10'],
    ['busybox', 'busybox', undefined],
    ['example.org/team/app@sha256:0123', 'team/app', undefined],
  ] as const)('%s', ([reference, repository, tag]) => {
    expect(imageOf(reference)).toEqual({ repository, tag })
  })

  test('a repository is compared by the end of its path', () => {
    expect(isImage('mirror.example.org/quay.io/cilium/cilium:v1', 'cilium/cilium')).toBe(true)
    expect(isImage('quay.io/cilium/cilium-envoy:v1', 'cilium/cilium')).toBe(false)
    expect(isImage('quay.io/notcilium/cilium:v1', 'cilium/cilium')).toBe(false)
  })

  test('versions are compared, not texts', () => {
    expect(isAtLeast('quay.io/cilium/cilium:v1.18.0', '1.18')).toBe(true)
    expect(isAtLeast('quay.io/cilium/cilium:v1.9.9', '1.18')).toBe('runs quay.io/cilium/cilium:v1.9.9')
    expect(isAtLeast('quay.io/cilium/cilium:latest', '1.18')).toBe(
      'runs quay.io/cilium/cilium:latest, which tells no version',
    )
    expect(versionOfTag('v1.34.1-ubi')).toBe('1.34.1-ubi')
  })
})
