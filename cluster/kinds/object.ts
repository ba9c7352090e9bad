import { z } from 'zod'
import type { List, Source } from '../../check/source.ts'

const strings = z.record(z.string(), z.string()).default({})

export const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  labels: strings,
  annotations: strings,
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  ownerReferences: z.array(z.object({ kind: z.string(), name: z.string(), uid: z.string().optional() })).default([]),
})

export const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  observedGeneration: z.number().optional(),
})
export type Condition = z.infer<typeof condition>

/** What every object that checks look at has. */
export type KubernetesObject = { kind: string; metadata: z.infer<typeof metadata> }

/** The conditions of anything that has a status with conditions; absent ones are an empty list. */
export const conditioned = z.object({
  conditions: z.array(condition).default([]),
  observedGeneration: z.number().optional(),
})

/** A source that lists all objects of a kind, with the narrow shape of spec and status that checks rely on. */
export function kind<S extends z.ZodRawShape>(
  list: Omit<List, 'type' | 'versions'> & { version: string | readonly string[] },
  shape: S,
): Source<z.infer<z.ZodObject<{ kind: z.ZodString; metadata: typeof metadata } & S>>> {
  const { version, ...rest } = list
  const { group, plural } = rest
  const versions = typeof version === 'string' ? [version] : version
  return {
    id: group === '' ? plural : `${plural}.${group}`,
    what: pluralOf(list.kind),
    schema: z.object({ kind: z.string(), metadata, ...shape }) as never,
    from: { type: 'list', versions, ...rest },
  }
}

const pluralOf = (word: string) =>
  /(s|x|ch|sh)$/.test(word) ? `${word}es` : /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`
