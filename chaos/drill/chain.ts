import { createHash } from 'node:crypto'
import { z } from 'zod'

const linkSchema = z.object({
  sequence: z.number(),
  /** Hash of the line before; 64 zeros before the first. */
  previous: z.string(),
  body: z.unknown(),
  /** SHA-256 over sequence, previous and body, as they stand here. */
  hash: z.string(),
})
type Link = z.infer<typeof linkSchema>

const nothingBefore = '0'.repeat(64)

const hashOf = ({ sequence, previous, body }: Omit<Link, 'hash'>) =>
  createHash('sha256')
    .update(JSON.stringify([sequence, previous, body]))
    .digest('hex')

/** Bodies as JSON lines of which each holds the hash of the one before: none can be changed, dropped or moved unseen. */
export function chained(bodies: readonly unknown[]): { text: string; head: string } {
  let previous = nothingBefore
  const lines = bodies.map((body, sequence) => {
    const hash = hashOf({ sequence, previous, body })
    const line = JSON.stringify({ sequence, previous, body, hash })
    previous = hash
    return line
  })
  return { text: `${lines.join('\n')}\n`, head: previous }
}

/** The bodies of a chain and its last hash. Throws with the line that does not fit. */
export function unchained(text: string): { bodies: unknown[]; head: string } {
  let previous = nothingBefore
  const bodies = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const link = linkOf(line, index)
      if (link.sequence !== index)
        throw new Error(`line ${index + 1} is number ${link.sequence}: a line was lost or moved`)
      if (link.previous !== previous) throw new Error(`line ${index + 1} does not follow on the one before`)
      if (link.hash !== hashOf(link)) throw new Error(`line ${index + 1} was changed: its hash is another one`)
      previous = link.hash
      return link.body
    })
  return { bodies, head: previous }
}

function linkOf(line: string, index: number): Link {
  try {
    return linkSchema.parse(JSON.parse(line))
  } catch {
    throw new Error(`line ${index + 1} is no line of a drill record`)
  }
}
