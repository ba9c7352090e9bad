import { Address4 } from 'ip-address'

/** Addresses from `first` to `last`, both included. */
export type AddressRange = { first: bigint; last: bigint }

export const isAddress = (text: string): boolean => Address4.isValid(text) && !text.includes('/')

/** Whether a text is a network in CIDR notation without host bits. */
export const isNetwork = (text: string): boolean => {
  if (!Address4.isValid(text) || !text.includes('/')) return false
  const network = new Address4(text)
  return network.startAddress().correctForm() === network.correctForm()
}

/** The range of a network, of one address, or from one address to another. */
export const rangeOf = (start: string, stop = start): AddressRange => ({
  first: new Address4(start).startAddress().bigInt(),
  last: new Address4(stop).endAddress().bigInt(),
})

export const overlap = (a: AddressRange, b: AddressRange): boolean => a.first <= b.last && b.first <= a.last

export const contains = (outer: AddressRange, inner: AddressRange): boolean =>
  outer.first <= inner.first && inner.last <= outer.last
