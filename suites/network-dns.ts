import { check } from '../check/check.ts'
import { daemonSets, deployments, nodes, statefulSets } from '../cluster/kinds/core.ts'
import type { Deployment } from '../cluster/kinds/core.ts'
import type { Figures } from '../platform/platform.ts'
import { isImage } from './images.ts'
import { componentHealth } from './workloads.ts'

const isExternalDNS = ({ id }: Figures['components'][number]) => id === 'external-dns'

export const externalDNSRuns = check({
  claim: 'NET-11',
  on: 'infra',
  fact: 'External-DNS is available on infra',
  reads: { deployments, statefulSets, daemonSets, nodes },
  population: 'components',
  atLeast: 1,
  expected: 'an available workload, found by its image',
  subjects: (_, { figures }) => figures.components.filter(isExternalDNS),
  name: ({ name }) => ({ subject: name, look: 'get deployments -A' }),
  holds: (component, _, read) => componentHealth(component, read),
})

const containersOf = (deployment: Deployment, { components }: Figures) => {
  const images = components.find(isExternalDNS)?.images ?? []
  return deployment.spec.template.spec.containers.filter(({ image }) => images.some((known) => isImage(image, known)))
}

/** The values of a flag, in the order they are given: `--source=service --source=gateway-httproute`. */
const valuesOf = (flags: readonly string[], name: string): string[] =>
  flags.flatMap((flag, index) => {
    if (flag === `--${name}`) return flags[index + 1]?.startsWith('--') === false ? [flags[index + 1] ?? ''] : ['true']
    return flag.startsWith(`--${name}=`) ? [flag.slice(name.length + 3)] : []
  })

/** What the platform publishes by: Services, and the routes of its Gateways. */
const sources = ['service', 'gateway-httproute']

export const externalDNSFollows = check({
  claim: 'NET-11',
  on: 'infra',
  fact: 'External-DNS is told to add, change and remove records at Cloudflare',
  reads: { deployments },
  population: 'Deployments of External-DNS',
  atLeast: 1,
  expected: `--provider=cloudflare, --policy=sync, --source=${sources.join(' or ')}, and no --dry-run or --once`,
  subjects: (read, { figures }) => read.deployments.filter((one) => containersOf(one, figures).length > 0),
  holds: (deployment, { figures }) => {
    const flags = containersOf(deployment, figures).flatMap(({ command, args }) => [...command, ...args])
    const provider = valuesOf(flags, 'provider').at(-1)
    if (provider !== 'cloudflare') return `has the provider ${provider ?? 'unset'}`
    // What is not set is sync; the chart sets another one.
    const policy = valuesOf(flags, 'policy').at(-1) ?? 'sync'
    if (policy !== 'sync') return `has the policy ${policy}, which never removes a record`
    const stopped = ['dry-run', 'once'].find((name) => !['false', undefined].includes(valuesOf(flags, name).at(-1)))
    if (stopped !== undefined) return `runs with --${stopped}`
    const followed = valuesOf(flags, 'source')
    return sources.some((source) => followed.includes(source)) || `follows ${followed.join(', ') || 'no source'}`
  },
})
