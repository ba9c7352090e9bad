import { z } from 'zod'

/** The keys that a schema knows at a path, for the message about one that it does not know. */
export function expectationOf(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const keys = keysAt(schema, path)
  return keys.length === 0 ? 'only keys that are known here' : `one of the keys ${keys.join(', ')}`
}

function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const [step, ...rest] = path
  if (schema instanceof z.ZodOptional) return keysAt(schema.unwrap(), path)
  if (schema instanceof z.ZodArray) return step === undefined ? [] : keysAt(schema.element, rest)
  if (schema instanceof z.ZodRecord) return step === undefined ? [] : keysAt(schema.valueType, rest)
  if (!(schema instanceof z.ZodObject)) return []
  if (step === undefined) return Object.keys(schema.shape)
  const inner: unknown = schema.shape[String(step)]
  return inner instanceof z.ZodType ? keysAt(inner, rest) : []
}
