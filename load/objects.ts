import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Owner } from '../cluster/own-objects.ts'
import { loads, ownedMetadata, restrictedContainer, restrictedPod } from '../cluster/own-objects.ts'

export const serverPort = 8080
const scriptName = 'constant-rate.ts'
const scriptMap = 'script'
export const k6Container = 'k6'
export const serverContainer = 'server'

export type ArmRole = 'meshed' | 'plain'

const injection = (role: ArmRole) => ({ 'linkerd.io/inject': role === 'plain' ? 'disabled' : 'enabled' })

export const serverPodName = (server: string, { id }: Pick<Owner, 'id'>) => `${server}-${id}`

/** An HTTP server, and the Service of its own name. Both arms have the same one. */
export const serverObjects = (
  server: { name: string; role: ArmRole; node: string; image: string; cpuLimit?: string },
  owner: Owner,
  serviceLabels: Record<string, string> = {},
) => {
  const metadata = ownedMetadata(loads, owner, serverPodName(server.name, owner), { app: server.name })
  return {
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, annotations: injection(server.role) },
      spec: {
        ...restrictedPod,
        nodeName: server.node,
        restartPolicy: 'Never',
        activeDeadlineSeconds: loads.lifetimeSeconds,
        containers: [
          {
            name: serverContainer,
            image: server.image,
            imagePullPolicy: 'IfNotPresent',
            args: ['netexec', `--http-port=${serverPort}`],
            ports: [{ name: 'http', containerPort: serverPort }],
            startupProbe: { httpGet: { path: '/healthz', port: serverPort }, periodSeconds: 1, failureThreshold: 60 },
            resources: {
              requests: { cpu: '10m', memory: '32Mi' },
              limits: { cpu: server.cpuLimit ?? '2', memory: '128Mi' },
            },
            securityContext: restrictedContainer,
          },
        ],
      },
    },
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: ownedMetadata(loads, owner, server.name, serviceLabels),
      spec: {
        selector: { app: server.name },
        ports: [{ name: 'http', port: serverPort, targetPort: serverPort }],
      },
    },
  }
}

export const scriptObject = (owner: Owner) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ownedMetadata(loads, owner, scriptMap),
  data: { [scriptName]: readFileSync(join(import.meta.dirname, 'scripts', scriptName), 'utf8') },
})

/** Where k6 comes from: an image that has it, or an image that has nothing and a file of the node. */
export type K6Program = { image: string; file?: string }
const mountedProgram = '/programs/k6'

/** One k6 as a Job of ours; or as many as are wanted, by a TestRun of the k6-operator, each with its share of the rate. */
export type GeneratorForm = { kind: 'Job' } | { kind: 'TestRun'; parallelism: number }

export const generatorLabel = 'conformance/generator'

export type K6Job = {
  name: string
  role: ArmRole
  node: string
  program: K6Program
  /** Environment of the script, see there. */
  settings: Record<string, string | number>
  /** From the start of its pod; the kubelet ends it then. */
  longestSeconds: number
}

export const k6Arguments = (settings: K6Job['settings'], script: string): string[] => [
  'run',
  '--quiet',
  '--no-usage-report',
  '--no-color',
  '--log-format',
  'raw',
  // Without an address k6 listens nowhere.
  '--address',
  '',
  ...Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
  script,
]

const k6Resources = { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '4', memory: '2Gi' } }

/** One k6 as a Job that is never tried again: half a load is none. */
export const jobObject = ({ name, role, node, program, settings, longestSeconds }: K6Job, owner: Owner) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: ownedMetadata(loads, owner, name, { [generatorLabel]: name }),
  spec: {
    backoffLimit: 0,
    activeDeadlineSeconds: longestSeconds,
    template: {
      metadata: {
        labels: { ...ownedMetadata(loads, owner, name).labels, [generatorLabel]: name },
        annotations: injection(role),
      },
      spec: {
        ...restrictedPod,
        nodeName: node,
        restartPolicy: 'Never',
        containers: [
          {
            name: k6Container,
            image: program.image,
            imagePullPolicy: 'IfNotPresent',
            command: [program.file === undefined ? 'k6' : mountedProgram],
            args: k6Arguments(settings, `/script/${scriptName}`),
            env: [
              { name: 'K6_AUTO_EXTENSION_RESOLUTION', value: 'false' },
              { name: 'HOME', value: '/tmp' },
            ],
            resources: k6Resources,
            securityContext: restrictedContainer,
            volumeMounts: [
              { name: 'script', mountPath: '/script', readOnly: true },
              { name: 'temporary', mountPath: '/tmp' },
              ...(program.file === undefined ? [] : [{ name: 'program', mountPath: mountedProgram, readOnly: true }]),
            ],
          },
        ],
        volumes: [
          { name: 'script', configMap: { name: scriptMap } },
          { name: 'temporary', emptyDir: {} },
          ...(program.file === undefined ? [] : [{ name: 'program', hostPath: { path: program.file, type: 'File' } }]),
        ],
      },
    },
  },
})

const { securityContext, automountServiceAccountToken } = restrictedPod
/** A quarter of what one k6 may use is enough to look at a script, or to let runners go. */
const helperPod = {
  automountServiceAccountToken: String(automountServiceAccountToken),
  securityContext,
  containerSecurityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
}

/**
 * The same script as a TestRun. The operator adds `--execution-segment` and `--paused`; its starter is not meshed, and
 * reaches the runners past their proxies. Settings are environment: arguments would pass a shell.
 */
export const testRunObject = ({ name, role, node, program, settings }: K6Job, parallelism: number, owner: Owner) => ({
  apiVersion: 'k6.io/v1alpha1',
  kind: 'TestRun',
  metadata: ownedMetadata(loads, owner, name, { [generatorLabel]: name }),
  spec: {
    parallelism,
    quiet: 'true',
    script: { configMap: { name: scriptMap, file: scriptName } },
    initializer: { ...helperPod, image: program.image, metadata: { annotations: injection('plain') } },
    starter: { ...helperPod, metadata: { annotations: injection('plain') } },
    runner: {
      ...helperPod,
      image: program.image,
      nodeSelector: { 'kubernetes.io/hostname': node },
      metadata: {
        labels: { ...ownedMetadata(loads, owner, name).labels, [generatorLabel]: name },
        annotations: { ...injection(role), 'config.linkerd.io/skip-inbound-ports': String(runnerPort) },
      },
      env: [
        ...Object.entries(settings).map(([variable, value]) => ({ name: variable, value: String(value) })),
        { name: 'HOME', value: '/tmp' },
        { name: 'K6_LOG_FORMAT', value: 'raw' },
        { name: 'K6_NO_USAGE_REPORT', value: 'true' },
        { name: 'K6_AUTO_EXTENSION_RESOLUTION', value: 'false' },
      ],
      resources: k6Resources,
      containerSecurityContext: restrictedContainer,
      volumes: [{ name: 'temporary', emptyDir: {} }],
      volumeMounts: [{ name: 'temporary', mountPath: '/tmp' }],
    },
  },
})
const runnerPort = 6565
