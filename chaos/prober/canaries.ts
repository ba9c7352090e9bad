import { createHash } from 'node:crypto'
import { open, readFile, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { deadlineIn } from '../../check/deadline.ts'
import { messageOf } from '../../check/error-message.ts'
import type { Connection } from '../../cluster/connection.ts'
import { parseJSON } from '../../cluster/json.ts'
import type { Answer } from './open-arrivals.ts'

/** A canary as it comes back: intact when its text has the checksum that it carries, equal when the digests are. */
export type CanaryRow = { sequence: number; isIntact: boolean; digest: string }

const label = 'conformance/canary'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const textOf = (sequence: number) => `canary ${sequence} `.repeat(50)

/** Writes a file that counts when the disk has it: its name is its number, its last line the checksum of the rest. */
export async function writeCanaryFile(folder: string, sequence: number): Promise<Answer> {
  try {
    const text = textOf(sequence)
    const draft = join(folder, `.${sequence}`)
    const file = await open(draft, 'w')
    try {
      await file.writeFile(`${text}\n${sha256(text)}`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, join(folder, String(sequence)))
    return { ok: true }
  } catch (error) {
    return { ok: false, why: messageOf(error) }
  }
}

/** All files that are whole by their names; drafts are nobody's promise. */
export async function readFiles(folder: string): Promise<CanaryRow[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+$/.test(name))
  return Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(folder, name), 'utf8')
      const [text = '', checksum = ''] = content.split('\n')
      return { sequence: Number(name), isIntact: sha256(text) === checksum, digest: sha256(content) }
    }),
  )
}

type Canaries = { connection: Connection; namespace: string }

/** Makes a ConfigMap. It counts when the API server says that it is created. */
export async function makeCanary(
  { connection, namespace, timeoutMs }: Canaries & { timeoutMs: number },
  sequence: number,
): Promise<Answer> {
  try {
    const text = textOf(sequence)
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `canary-${sequence}`, namespace, labels: { [label]: String(sequence) } },
      data: { text, checksum: sha256(text) },
    }
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const { status, text: said } = await connection.send({ method: 'POST', path, body }, deadlineIn(timeoutMs))
    return status === 201 ? { ok: true } : { ok: false, why: `status ${status}: ${said.slice(0, 100)}` }
  } catch (error) {
    return { ok: false, why: messageOf(error) }
  }
}

const canaryMaps = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      data: z.object({ text: z.string(), checksum: z.string() }),
    }),
  ),
})

export async function readCanaries({ connection, namespace }: Canaries): Promise<CanaryRow[]> {
  const path = `/api/v1/namespaces/${namespace}/configmaps?labelSelector=${encodeURIComponent(label)}`
  const { status, text } = await connection.get(path, deadlineIn(20_000))
  if (status !== 200) throw new Error(`the canaries in ${namespace} cannot be read: ${status}`)
  return canaryMaps.parse(parseJSON(text)).items.map(({ metadata, data }) => ({
    sequence: Number(metadata.labels[label]),
    isIntact: sha256(data.text) === data.checksum,
    digest: sha256(JSON.stringify(data)),
  }))
}
