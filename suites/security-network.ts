import { parse as parseYAML } from 'yaml'
import { z } from 'zod'
import { check } from '../check/check.ts'
import { namespaces, pods } from '../cluster/kinds/core.ts'
import { linkerdConfig } from '../cluster/kinds/documents.ts'
import type { Names } from '../platform/platform.ts'
import { policyInEveryNamespace } from './network.ts'
import { allContainers, isRunning } from './objects.ts'
import { mutualTLS } from './telemetry-mesh.ts'

/** Policies that let nobody in without an identity of the mesh. */
const guarding = ['all-authenticated', 'cluster-authenticated', 'deny']
/** What Linkerd does when nobody says otherwise. */
const linkerdsOwn = 'all-unauthenticated'

const values = z.object({ proxy: z.object({ defaultInboundPolicy: z.string().optional() }).optional() })

const policyOf = ({ data }: { data: Record<string, string> }): string => {
  const parsed = values.safeParse(parseYAML(data['values'] ?? '') ?? {})
  return parsed.success ? (parsed.data.proxy?.defaultInboundPolicy ?? linkerdsOwn) : 'of an unknown form'
}

export const defaultPolicyGuards = check({
  claim: 'SEC-06',
  fact: 'the mesh lets nobody in without an identity unless a policy says so',
  reads: { config: linkerdConfig },
  population: 'Linkerd configurations',
  atLeast: 1,
  expected: `proxy.defaultInboundPolicy ${guarding.join(', ')}`,
  subjects: (read) => read.config,
  holds: (config) => guarding.includes(policyOf(config)) || `has the default policy ${policyOf(config)}`,
  disputed: (config) => policyOf(config) === linkerdsOwn,
})

const policyVariable = 'LINKERD2_PROXY_INBOUND_DEFAULT_POLICY'

export const proxiesGuard = check({
  claim: 'SEC-06',
  fact: 'every proxy runs with a default policy that asks for an identity',
  reads: { pods },
  population: 'running pods with a proxy',
  atLeast: 5,
  because: 'the control plane of Linkerd alone has three',
  expected: `${policyVariable} ${guarding.join(', ')}`,
  subjects: (read) =>
    read.pods.flatMap((pod) => {
      const proxy = isRunning(pod) ? allContainers(pod).find(({ name }) => name === 'linkerd-proxy') : undefined
      const { value = linkerdsOwn } = proxy?.env.find(({ name }) => name === policyVariable) ?? {}
      return proxy ? [{ ...pod, policy: value }] : []
    }),
  holds: ({ policy }) => guarding.includes(policy) || `runs with ${policy}`,
  disputed: ({ policy }) => policy === linkerdsOwn,
})

export const namespacesIsolated = policyInEveryNamespace('SEC-06')
export const requestsAreMutualTLS = mutualTLS('SEC-06')

const levels = ['privileged', 'baseline', 'restricted']

/** How strict the steps of a namespace are, from 0 (privileged) to 2 (restricted); undefined where a step is not taken. */
function stepsOf(labels: Record<string, string>, { labels: known }: Names) {
  const level = (step: string) => {
    const key = known.podSecurity.keys.find((one) => one.endsWith(`/${step}`)) ?? ''
    const value = labels[key]
    return value === undefined ? undefined : levels.indexOf(value)
  }
  return { audit: level('audit'), warn: level('warn'), enforce: level('enforce') }
}

/** Namespaces that Kubernetes makes itself. */
const ofKubernetes = ['kube-system', 'kube-public', 'kube-node-lease', 'default']

export const podSecurityBySteps = check({
  claim: 'SEC-05',
  fact: 'every namespace audits and warns at least as strictly as it enforces',
  reads: { namespaces },
  population: 'namespaces of the platform',
  atLeast: 5,
  because: 'Flux, Linkerd and the Gateway have some',
  expected: 'a label for audit, one for warn, each at least as strict as the one that follows',
  subjects: (read) => read.namespaces.filter(({ metadata }) => !ofKubernetes.includes(metadata.name)),
  holds: ({ metadata }, { names }) => {
    const { audit, warn, enforce } = stepsOf(metadata.labels, names)
    if ([audit, warn, enforce].includes(-1)) return 'has a level of pod security that does not exist'
    if (audit === undefined) return 'does not audit'
    if (warn === undefined)
      return enforce === undefined || enforce === 0 ? 'does not warn' : 'enforces without a warning'
    if (warn > audit) return `warns of ${levels[warn]}, audits ${levels[audit]}`
    return enforce === undefined || enforce <= warn || `enforces ${levels[enforce]}, warns of ${levels[warn]}`
  },
})

export const enforcementAdmitsMesh = check({
  claim: 'SEC-05',
  fact: 'no namespace enforces what would turn its own pods away',
  reads: { namespaces, pods },
  population: 'namespaces with injected pods',
  atLeast: 1,
  because: 'the demo has some',
  expected: 'enforce privileged where linkerd-init sets the firewall',
  subjects: (read) =>
    read.namespaces.filter(({ metadata }) =>
      read.pods.some((pod) => pod.metadata.namespace === metadata.name && hasInit(pod)),
    ),
  holds: ({ metadata }, { names }) => {
    const { enforce = 0 } = stepsOf(metadata.labels, names)
    return enforce === 0 || `enforces ${levels[enforce] ?? 'an unknown level'}, which forbids linkerd-init`
  },
  disputed: true,
})

const hasInit = ({ spec }: { spec: { initContainers: { name: string }[] } }) =>
  spec.initContainers.some(({ name }) => name === 'linkerd-init')
