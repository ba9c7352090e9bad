import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../check/setup-error.ts'
import type { Claim } from './claims.ts'
import { claimsSchema } from './claims.ts'
import {
  contradictionsIn,
  repeatedClaims,
  seedsWithoutLines,
  unknownClaimsIn,
  unknownWaived,
} from './contradictions.ts'
import type { Figures } from './figures.ts'
import { figuresSchema } from './figures.ts'
import type { Names } from './names.ts'
import { namesSchema } from './names.ts'
import { readYAML } from './read-yaml.ts'
import type { Waiver } from './waivers.ts'
import { waiversSchema } from './waivers.ts'

export type { Claim } from './claims.ts'
export type { Budget, ClusterFigures, Component, Figures, Journey } from './figures.ts'
export { namespaceOf } from './names.ts'
export type { Names } from './names.ts'
export type { ClusterName } from './shapes.ts'
export { activeWaiver } from './waivers.ts'

/** The documented architecture as data. */
export type Platform = { figures: Figures; names: Names; claims: Claim[]; waivers: Waiver[] }

const files = ['platform.yaml', 'claims.yaml', 'names.yaml', 'waivers.yaml'] as const
type FileName = (typeof files)[number]

/**
 * Reads the documented platform. A folder, or the one that CONFORMANCE_PLATFORM names, may hold any of the four files in place
 * of ours. Throws a SetupError with file, line and path for whatever is not as it has to be.
 */
export function loadPlatform(folder = process.env['CONFORMANCE_PLATFORM']): Platform {
  const find = finderIn(folder === '' ? undefined : folder)
  const figures = readYAML(find('platform.yaml'), figuresSchema)
  const claims = readYAML(find('claims.yaml'), claimsSchema)
  const names = readYAML(find('names.yaml'), namesSchema)
  const waivers = readYAML(find('waivers.yaml'), waiversSchema)
  claims.refuse(repeatedClaims(claims.data))
  figures.refuse(contradictionsIn(figures.data))
  figures.refuse(unknownClaimsIn(figures.data, claims.data))
  names.refuse(seedsWithoutLines(names.data))
  waivers.refuse(unknownWaived(waivers.data, claims.data))
  return { figures: figures.data, names: names.data, claims: claims.data, waivers: waivers.data }
}

const ours = (file: FileName) => join(import.meta.dirname, file)

/** Where each file is: in the folder when it is there, else beside this module. */
function finderIn(folder: string | undefined): (file: FileName) => string {
  if (folder === undefined) return ours
  refuseStrangers(folder)
  return (file) => (existsSync(join(folder, file)) ? join(folder, file) : ours(file))
}

/** A misspelt file name would silently leave ours in place. */
function refuseStrangers(folder: string): void {
  const found = existsSync(folder) ? readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)) : undefined
  const strangers = found?.filter((name) => !files.some((file) => file === name)) ?? []
  if (found !== undefined && found.length > 0 && strangers.length === 0) return
  throw new SetupError({
    what: 'reading the documented platform',
    where: `the folder ${folder}`,
    expected: `any of ${files.join(', ')}, and no other YAML file`,
    found: found === undefined ? 'no such folder' : strangers.join(', ') || 'none of them',
    try: 'name a folder with your copies of these files in CONFORMANCE_PLATFORM, or unset it',
  })
}
