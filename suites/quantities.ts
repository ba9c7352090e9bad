import { quantityToScalar } from '@kubernetes/client-node/dist/util.js'
import type { Container, Pod } from '../cluster/kinds/core.ts'

/** Amounts of CPU (cores) and memory (bytes). */
export type Amount = { cores: number; bytes: number }

const nothing: Amount = { cores: 0, bytes: 0 }
export const gigabyte = 1e9

/** Reads a Kubernetes quantity: `100m` is 0.1, `1Gi` is 1073741824. Throws when it is none. */
export const quantity = (text: string): number => Number(quantityToScalar(text))

export const amountOf = ({ cpu = '0', memory = '0' }: Record<string, string>): Amount => ({
  cores: quantity(cpu),
  bytes: quantity(memory),
})
export const sum = (amounts: readonly Amount[]): Amount =>
  amounts.reduce((a, b) => ({ cores: a.cores + b.cores, bytes: a.bytes + b.bytes }), nothing)

export const requestsOf = ({ resources }: Container): Amount => amountOf(resources.requests ?? {})

/** What the scheduler counts for a pod: its containers and native sidecars, or the largest plain init container if that is more. */
export function podRequests({ spec }: Pod): Amount {
  const sidecars = spec.initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const running = sum([...spec.containers, ...sidecars].map(requestsOf))
  const starting = spec.initContainers.filter(({ restartPolicy }) => restartPolicy !== 'Always').map(requestsOf)
  const overhead = amountOf(spec.overhead ?? {})
  return sum([
    {
      cores: Math.max(running.cores, ...starting.map(({ cores }) => cores)),
      bytes: Math.max(running.bytes, ...starting.map(({ bytes }) => bytes)),
    },
    overhead,
  ])
}

export const roundTo = (digits: number, value: number): number => Number(value.toFixed(digits))
export const gigabytes = (bytes: number): number => roundTo(1, bytes / gigabyte)
