import { check } from '../check/check.ts'
import type { Pod } from '../cluster/kinds/core.ts'
import { pods } from '../cluster/kinds/core.ts'
import type { Names } from '../platform/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { allContainers, isRunning } from './objects.ts'

const proxyName = 'linkerd-proxy'
const initName = 'linkerd-init'

/** The proxy's own ports, and those of Galera, which Linkerd leaves out unless it is told otherwise. */
const leftOutByDefault = { inbound: ['4190', '4191', '4567', '4568'], outbound: ['4567', '4568'] }
/** The control plane speaks to the API server, which is no pod of the mesh. */
const apiServer = ['443', '6443']

type Direction = keyof typeof leftOutByDefault
const flags: Record<Direction, string> = {
  inbound: '--inbound-ports-to-ignore',
  outbound: '--outbound-ports-to-ignore',
}

const ports = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((port) => port.trim())
    .filter((port) => port !== '')

/** What the pod's firewall really lets by; with the CNI plug-in, where nothing sets it in the pod, what its annotations say. */
function skipped({ metadata, spec }: Pod, direction: Direction, { annotations }: Names): string[] {
  const init = spec.initContainers.find(({ name }) => name === initName)
  const key = annotations.skipPorts.keys.find((word) => word.includes(direction)) ?? ''
  const flag = flags[direction]
  const at = init?.args.findIndex((argument) => argument === flag || argument.startsWith(`${flag}=`)) ?? -1
  if (!init) return ports(metadata.annotations[key])
  const argument = init.args[at] ?? ''
  return ports(argument === flag ? init.args[at + 1] : argument.slice(flag.length + 1))
}

export const noPortPassesTheProxyBy = check({
  claim: 'MESH-02',
  fact: 'no port of a meshed pod passes its proxy by',
  reads: { pods },
  population: 'running pods with a proxy',
  atLeast: 10,
  because: 'the control plane and its extensions alone have that many',
  expected: 'only ports of the proxy itself and those that Linkerd leaves out by default',
  subjects: (read) =>
    read.pods.filter((pod) => isRunning(pod) && allContainers(pod).some(({ name }) => name === proxyName)),
  holds: (pod, { names }) => {
    const isControlPlane = pod.metadata.namespace === namespaceOf(names, 'linkerd')
    const inbound = skipped(pod, 'inbound', names).filter((port) => !leftOutByDefault.inbound.includes(port))
    const outbound = skipped(pod, 'outbound', names).filter(
      (port) => !leftOutByDefault.outbound.includes(port) && !(isControlPlane && apiServer.includes(port)),
    )
    if (inbound.length > 0) return `takes connections to port ${inbound.join(', ')} past its proxy`
    return outbound.length === 0 || `connects to port ${outbound.join(', ')} past its proxy`
  },
})
