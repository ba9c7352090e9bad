import pLimit from 'p-limit'
import { deadlineIn } from '../../check/deadline.ts'
import { runIn } from '../channels.ts'
import { nodes, services } from '../kinds/core.ts'
import type { Attempt } from '../kinds/observations.ts'
import type { Observer, Observing } from '../observe.ts'
import { probeNamespace } from '../probes/objects.ts'
import { endOf } from '../tunnel.ts'

const atOnce = 4
const connectSeconds = 5
/** Starting a command in a pod takes its time on a busy node. */
const execMs = 25_000
const apiPort = 6443

type Target = { what: 'node' | 'load balancer'; name: string; host: string; port: number }

/** From an unmeshed probe: a connection to every node of both clusters, and to every LoadBalancer address of the other one. */
export const observeAddresses: Observer = async ({ here, sites, deadline, probes }) => {
  if (!probes) throw new Error('needs probes')
  const pod = probes.on[here.cluster].pods.find(({ role }) => role === 'plain')
  if (!pod) throw new Error('no unmeshed probe got ready')
  const limit = pLimit(atOnce)
  return Promise.all(
    targetsFrom({ here, sites }).map((target) =>
      limit(async () => {
        const own = deadlineIn(execMs, deadline.signal)
        const command = ['nc', '-z', '-v', '-w', String(connectSeconds), target.host, String(target.port)]
        const attempt = await runIn(
          here.connection,
          { namespace: probeNamespace, pod: pod.name, container: 'probe' },
          command,
          own,
        ).then(attemptOf)
        return { metadata: { name: `a pod of ${here.cluster} to ${target.name}` }, what: target.what, attempt }
      }),
    ),
  )
}

function targetsFrom({ here, sites }: Pick<Observing, 'here' | 'sites'>): Target[] {
  const both = [sites.infra, sites.apps]
  const machines = both.flatMap(({ list }) =>
    list(nodes).flatMap(({ metadata, status }) => {
      const address = status.addresses.find(({ type }) => type === 'InternalIP')?.address
      return address === undefined
        ? []
        : [{ what: 'node' as const, name: `node ${metadata.name}`, host: address, port: apiPort }]
    }),
  )
  const other = here.cluster === 'infra' ? sites.apps : sites.infra
  const balancers = other.list(services).flatMap(({ metadata, spec, status }) =>
    status.loadBalancer.ingress.flatMap(({ ip }) => {
      const port = spec.ports[0]?.port
      return ip === undefined || port === undefined
        ? []
        : [
            {
              what: 'load balancer' as const,
              name: `Service ${metadata.namespace}/${metadata.name} of ${other.cluster}`,
              host: ip,
              port,
            },
          ]
    }),
  )
  return [...machines, ...balancers]
}

/** Netcat that only connects ends well when it is let in. */
function attemptOf({ ending, errors }: Awaited<ReturnType<typeof runIn>>): Attempt {
  if (ending.state === 'exited' && ending.code === 0)
    return { outcome: 'answered', detail: 'the connection was accepted' }
  return endOf(ending, errors, { received: 0, quietMs: 0 })
}
