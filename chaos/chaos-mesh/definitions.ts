import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { parse as parseYAML } from 'yaml'
import { z } from 'zod'

/** The Go module whose folder config/crd/bases holds the definitions. Its tags from 2.0 on are no versions for Go, so a commit is pinned. */
const definitionsModule = 'github.com/chaos-mesh/chaos-mesh@v0.9.1-0.20260902003049-47411975a8cb'

/** The kinds that the driver makes, as the files of their definitions name them. */
export const definedKinds = ['podchaos', 'networkchaos', 'stresschaos', 'iochaos'] as const
export type DefinedKind = (typeof definedKinds)[number]

const definitionSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal('CustomResourceDefinition'),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    names: z.looseObject({ kind: z.string(), plural: z.string() }),
    versions: z
      .array(
        z.looseObject({
          name: z.string(),
          schema: z.object({ openAPIV3Schema: z.looseObject({ properties: z.record(z.string(), z.looseObject({})) }) }),
        }),
      )
      .length(1),
  }),
})
export type Definition = z.infer<typeof definitionSchema>

const downloaded = z.object({ Dir: z.string() })

/** The CustomResourceDefinitions of Chaos Mesh, out of its Go module. Needs Go, and its proxy or cache. */
export async function readDefinitions(): Promise<Record<DefinedKind, Definition>> {
  const { stdout } = await execa('go', ['mod', 'download', '-json', definitionsModule], { cwd: import.meta.dirname })
  const { Dir: folder } = downloaded.parse(JSON.parse(stdout))
  const read = async (kind: DefinedKind) => {
    const file = join(folder, 'config/crd/bases', `chaos-mesh.org_${kind}.yaml`)
    return [kind, definitionSchema.parse(parseYAML(await readFile(file, 'utf8')))] as const
  }
  return Object.fromEntries(await Promise.all(definedKinds.map(read))) as Record<DefinedKind, Definition>
}

/** The schema of what a user writes: `spec`. */
export function specSchemaOf({ metadata, spec }: Definition): Record<string, unknown> {
  const schema = spec.versions[0]?.schema.openAPIV3Schema.properties['spec']
  if (!schema) throw new Error(`${metadata.name} has no spec`)
  return schema
}
