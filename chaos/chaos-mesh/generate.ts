// Writes types.generated.ts from the definitions of Chaos Mesh: `node chaos/chaos-mesh/generate.ts`.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { typesOf } from './generated-types.ts'

const file = join(import.meta.dirname, 'types.generated.ts')
await writeFile(file, await typesOf())
console.log(`wrote ${file}`)
