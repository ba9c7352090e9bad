import type { z } from 'zod'
import type { Listing, Source } from './source.ts'

type Parsed = { items: unknown[]; malformed: string | undefined }

/** Every check of a run reads the same listings, so each one is parsed once per source. */
const cache = new WeakMap<Listing, Map<string, Parsed>>()

/** The items in the shape that checks rely on; the first item that has another is named with the path of the fault. */
export function parseListing(listing: Listing & { state: 'listed' }, source: Source<unknown>): Parsed {
  const bySource = cache.get(listing) ?? new Map<string, Parsed>()
  cache.set(listing, bySource)
  const known = bySource.get(source.id)
  if (known) return known
  const parsed = parseItems(listing.items, source.schema)
  bySource.set(source.id, parsed)
  return parsed
}

function parseItems(raw: readonly unknown[], schema: z.ZodType): Parsed {
  const items: unknown[] = []
  for (const item of raw) {
    const result = schema.safeParse(item)
    if (!result.success) return { items: [], malformed: `${nameOf(item)}, ${faultOf(result.error)}` }
    items.push(result.data)
  }
  return { items, malformed: undefined }
}

function nameOf(item: unknown): string {
  const { metadata } = (item ?? {}) as { metadata?: { name?: unknown; namespace?: unknown } }
  const name = [metadata?.namespace, metadata?.name].filter((part) => typeof part === 'string').join('/')
  return name === '' ? 'an item without a name' : name
}

function faultOf(error: z.ZodError): string {
  const [issue] = error.issues
  return issue ? `${issue.path.join('.') || '(root)'}: ${issue.message}` : 'unknown fault'
}
