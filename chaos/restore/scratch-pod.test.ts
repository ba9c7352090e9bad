import { expect, test } from 'vitest'
import { dataOf, scratchPod, sourcePod } from './scratch-pod.ts'

const pod = sourcePod.parse({
  spec: {
    securityContext: { runAsUser: 26 },
    containers: [
      { name: 'linkerd-proxy', image: 'proxy' },
      {
        name: 'postgres',
        image: 'postgresql:15',
        env: [
          { name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' },
          { name: 'APP_PASSWORD', valueFrom: { secretKeyRef: { name: 'postgres-app', key: 'password' } } },
        ],
        volumeMounts: [
          { name: 'pgdata', mountPath: '/var/lib/postgresql/data' },
          { name: 'run', mountPath: '/run' },
          { name: 'programs', mountPath: '/postgres', readOnly: true },
          { name: 'instance', mountPath: '/controller' },
          { name: 'kube-api-access-x', mountPath: '/var/run/secrets' },
        ],
      },
    ],
    volumes: [
      { name: 'pgdata', persistentVolumeClaim: { claimName: 'postgres-1' } },
      { name: 'run', emptyDir: {} },
      { name: 'programs', hostPath: { path: '/programs' } },
      { name: 'instance', configMap: { name: 'instance' } },
      { name: 'kube-api-access-x', projected: {} },
    ],
  },
})

test('a scratch server has the image and the programs of the original, and an empty volume instead of its data', () => {
  const { spec, metadata } = scratchPod(pod, 'postgres', 'one')
  expect(metadata.namespace).toBe('conformance-chaos-victims')
  expect(spec.volumes).toEqual([
    { name: 'run', emptyDir: {} },
    { name: 'programs', hostPath: { path: '/programs' } },
    { name: 'pgdata', emptyDir: {} },
  ])
  const [container] = spec.containers
  expect(container?.image).toBe('postgresql:15')
  expect(container?.volumeMounts.map(({ name }) => name)).toEqual(['pgdata', 'run', 'programs'])
  expect(container?.env).toEqual([{ name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' }])
})

test('what is backed up is the folder of the data on its volume; without one nobody guesses', () => {
  expect(dataOf(pod, 'postgres')).toEqual({ volume: 'pgdata', mountPath: '/var/lib/postgresql/data', folder: 'pgdata' })
  expect(() => dataOf(pod, 'linkerd-proxy')).toThrow('has no PGDATA on a volume of its own')
  expect(() => dataOf(pod, 'mysql')).toThrow('no container mysql')
})
