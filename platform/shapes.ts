import { z } from 'zod'
import { isAddress, isNetwork } from './addresses.ts'

export const clusterNames = ['infra', 'apps'] as const
export type ClusterName = (typeof clusterNames)[number]

export const clusterName = z.enum(clusterNames)
export const text = z.string().min(1, 'some text')
export const lines = z.array(z.int().positive('a line number of 1 or more')).min(1, 'at least one line number')
export const phaseNumber = z.int().positive('a phase of 1 or more')
export const claimId = z.string().regex(/^[A-Z]+-\d{2}$/, 'a claim id, such as NET-07')
export const day = z.iso.date('a day, such as 2026-01-31')
export const address = z.string().refine(isAddress, 'an IPv4 address, such as 10.25.11.11')
export const network = z.string().refine(isNetwork, 'an IPv4 network in CIDR notation, such as 10.244.0.0/16')
export const amount = z.number().nonnegative('an amount of 0 or more')
export const count = z.int().nonnegative('a count of 0 or more')
/** A part of a whole: 0.25 is 25 %. */
export const share = z.number().min(0, 'a share from 0 to 1').max(1, 'a share from 0 to 1')

/** A figure with its place in the document, or with the source that it has instead. */
export const figure = <S extends z.ZodRawShape>(shape: S) =>
  z
    .strictObject({ ...shape, lines: lines.optional(), source: text.optional() })
    .refine((found) => 'lines' in found || 'source' in found, 'lines of the document, or a source')
