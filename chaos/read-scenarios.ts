import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { closest } from 'fastest-levenshtein'
import { SetupError } from '../check/setup-error.ts'
import type { Claim } from '../platform/platform.ts'
import type { Fault } from '../platform/read-yaml.ts'
import { readYAML } from '../platform/read-yaml.ts'
import type { Scenario } from './scenario.ts'
import { scenarioSchema } from './scenario.ts'

const ownFolder = join(import.meta.dirname, 'scenarios')

/** Reads all scenarios of a folder, in the order of their names. Throws a SetupError with file, line and path. */
export function readScenarios(claims: readonly Claim[], folder = ownFolder): Scenario[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => {
      const file = readYAML(join(folder, name), scenarioSchema)
      file.refuse(contradictionsIn(file.data, basename(name, '.yaml'), claims))
      return file.data
    })
}

function contradictionsIn(scenario: Scenario, name: string, claims: readonly Claim[]): Fault[] {
  const journeys = scenario.journeys.map(({ id }) => id)
  return [
    ...(scenario.id === name ? [] : [{ path: ['id'], expected: `the name of its file, ${name}`, found: scenario.id }]),
    ...scenario.judge.flatMap((judgement, index) => [
      ...(judgement.claim === undefined || claims.some(({ id }) => id === judgement.claim)
        ? []
        : [{ path: ['judge', index, 'claim'], expected: 'a claim of claims.yaml', found: judgement.claim }]),
      ...(judgement.journeys ?? [])
        .filter((id) => !journeys.includes(id))
        .map((found) => ({ path: ['judge', index, 'journeys'], expected: `of ${journeys.join(', ')}`, found })),
    ]),
    ...(new Set(journeys).size === journeys.length
      ? []
      : [{ path: ['journeys'], expected: 'journeys with an id each', found: journeys.join(', ') }]),
  ]
}

/** Those that were asked for; all when none was named. An unknown name is an error that lists the nearest. */
export function chooseScenarios(all: readonly Scenario[], wanted: readonly string[]): Scenario[] {
  const ids = all.map(({ id }) => id)
  const unknown = wanted.find((id) => !ids.includes(id))
  if (unknown !== undefined) {
    throw new SetupError({
      what: 'choosing the scenarios',
      where: '--scenario',
      expected: `of ${ids.join(', ')}`,
      found: unknown,
      try: `did you mean ${closest(unknown, ids)}?`,
    })
  }
  return wanted.length === 0 ? [...all] : all.filter(({ id }) => wanted.includes(id))
}
