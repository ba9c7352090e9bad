import type { ClusterFigures } from '../platform/platform.ts'
import { Address4, Address6 } from 'ip-address'

/** A range of addresses of one family, both ends included. */
type Range = { version: 4 | 6; first: bigint; last: bigint }

/** Reads `10.0.0.0/16`, a single address or `10.0.0.1-10.0.0.9`. Throws when it is none of them. */
export function rangeOf(text: string): Range {
  const [start = '', stop] = text.split('-')
  const from = parse(start)
  const to = stop === undefined ? from : parse(stop)
  return { version: from.version, first: from.first, last: to.last }
}

function parse(text: string): Range {
  if (Address4.isValid(text)) return span(4, new Address4(text))
  if (Address6.isValid(text)) return span(6, new Address6(text))
  throw new Error(`${JSON.stringify(text)} is no address and no range of addresses`)
}

const span = (version: 4 | 6, address: Address4 | Address6): Range => ({
  version,
  first: address.startAddress().bigInt(),
  last: address.endAddress().bigInt(),
})

export const overlap = (a: string, b: string): boolean => {
  const [x, y] = [rangeOf(a), rangeOf(b)]
  return x.version === y.version && x.first <= y.last && y.first <= x.last
}

/** Whether all of `inner` lies inside `outer`. */
export const contains = (outer: string, inner: string): boolean => {
  const [x, y] = [rangeOf(outer), rangeOf(inner)]
  return x.version === y.version && x.first <= y.first && y.last <= x.last
}

/** The `index`-th address of a range, counted from its network address. */
export const nthAddress = (range: string, index: number): string =>
  Address4.fromBigInt(rangeOf(range).first + BigInt(index)).correctForm()

export const sizeOf = (text: string): number => {
  const { first, last } = rangeOf(text)
  return Number(last - first + 1n)
}

/** The LoadBalancer pool that is documented for a cluster, as a range. */
export const poolOf = ({ loadBalancerPool: { start, stop } }: ClusterFigures) => `${start}-${stop}`
