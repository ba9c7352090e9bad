import { describe, expect, test } from 'vitest'
import { loadPlatform } from '../platform/platform.ts'
import { attainabilityOf, attainabilityText, workloadSchema } from './attainability.ts'

const { figures } = loadPlatform()

const workload = (spec: object = {}, pod: object = {}, kind = 'Deployment') =>
  workloadSchema.parse({
    kind,
    metadata: { name: 'echo', namespace: 'demo' },
    spec: { ...spec, template: { spec: { containers: [{}], ...pod } } },
  })
const lossOfNode = (...given: Parameters<typeof workload>) => {
  const found = attainabilityOf(workload(...given), figures).find(({ objective }) => objective === 'nodeRecovery')
  return found && [found.verdict, found.boundSeconds.lower, found.boundSeconds.upper]
}
const tolerating = (tolerationSeconds?: number) =>
  ['not-ready', 'unreachable'].map((state) => ({
    key: `node.kubernetes.io/${state}`,
    operator: 'Exists',
    effect: 'NoExecute',
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  }))
const hostname = { topologyKey: 'kubernetes.io/hostname' }

describe('the loss of a node', () => {
  test('cannot be recovered from within 300 s with the tolerations that Kubernetes gives', () => {
    expect(attainabilityOf(workload(), figures).map(attainabilityText)[1]).toBe(
      'not attainable Deployment demo/echo: 340-355 s against 300 s (nodeRecovery): 40-55 s until the node counts as lost + 300 s that its pods tolerate it',
    )
  })

  test.each([
    ['30 s of toleration', workloadArguments({}, { tolerations: tolerating(30) }), ['attainable', 70, 85]],
    ['250 s of toleration', workloadArguments({}, { tolerations: tolerating(250) }), ['depends', 290, 305]],
    [
      'toleration for ever',
      workloadArguments({}, { tolerations: tolerating() }),
      ['not attainable', Infinity, Infinity],
    ],
    [
      'toleration of everything',
      workloadArguments({}, { tolerations: [{ operator: 'Exists' }] }),
      ['not attainable', Infinity, Infinity],
    ],
    [
      'toleration of another taint',
      workloadArguments({}, { tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
      ['not attainable', 340, 355],
    ],
    ['two replicas that may share a node', workloadArguments({ replicas: 2 }), ['not attainable', 340, 355]],
    [
      'two replicas that may not',
      workloadArguments(
        { replicas: 2 },
        { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [hostname] } } },
      ),
      ['attainable', 40, 55],
    ],
    [
      'two replicas that are spread',
      workloadArguments(
        { replicas: 2 },
        { topologySpreadConstraints: [{ ...hostname, whenUnsatisfiable: 'DoNotSchedule' }] },
      ),
      ['attainable', 40, 55],
    ],
    ['a StatefulSet', workloadArguments({}, {}, 'StatefulSet'), ['not attainable', Infinity, Infinity]],
    [
      'a Deployment with a volume',
      workloadArguments(
        {},
        { tolerations: tolerating(30), volumes: [{ persistentVolumeClaim: { claimName: 'data' } }] },
      ),
      ['not attainable', Infinity, Infinity],
    ],
    ['a DaemonSet', workloadArguments({}, {}, 'DaemonSet'), undefined],
  ])('%s', (_, given, expected) => {
    expect(lossOfNode(...given)).toEqual(expected)
  })
})

function workloadArguments(...given: Parameters<typeof workload>) {
  return given
}

describe('the loss of a pod', () => {
  test.each([
    [{}, {}, 'attainable'],
    [{ minReadySeconds: 30 }, { containers: [{ readinessProbe: { initialDelaySeconds: 30 } }] }, 'not attainable'],
  ])('is bounded by what a new pod has to wait for: %o', (spec, pod, verdict) => {
    const [found] = attainabilityOf(workload(spec, pod), figures)
    expect(found?.verdict).toBe(verdict)
  })
})
