import { field } from '../check/failure-block.ts'
import type { SetupFailure } from './report.ts'

/** Why a run could not be set up, as one block like the one of a deviation. */
export function setupFailureBlock({ what, where, expected, found, try: advice }: SetupFailure, width = 100): string {
  return [
    `SET-UP FAILED  ${what}`,
    field('where', where, width),
    field('expected', expected, width),
    field('found', found, width),
    field('try', advice, width),
  ].join('\n')
}
