import { describe, inject, test } from 'vitest'
import { failureBlock } from '../check/failure-block.ts'
import { judge } from '../check/judge.ts'
import { loadPlatform } from '../platform/platform.ts'
import { allChecks } from './chapters.ts'
import { planOf } from './plan.ts'

// Everything was read before: what happens here is judgement only. Started by main.ts.
const { snapshot, filter, now, contexts } = inject('conformance')
const platform = loadPlatform()
const judging = { platform, snapshot, now: new Date(now) }
const plan = planOf(allChecks, platform.claims, filter)

/** A verdict that needs a person. Its stack would only show the engine. */
class Verdict extends Error {
  override name = 'Verdict'
  override stack = ''
}

for (const [chapter, judgements] of Map.groupBy(plan, (planned) => planned.chapter)) {
  describe(chapter, () => {
    test.for(judgements)('$id $place: $check.fact', ({ id, name, check, place, claim }, { task, skip }) => {
      const { result, subjects } = judge(name, check, place, judging)
      task.meta.conformance = { result, claim, chapter, subjects }
      if (result.check !== id) throw new Error(`planned as ${id}, judged as ${result.check}`)
      if (result.outcome === 'conforms') return
      if (result.outcome === 'deviates' || result.outcome === 'inconclusive') {
        throw new Verdict(failureBlock(result, claim, { contexts }))
      }
      skip(`${result.outcome}: ${result.reason}`)
    })
  })
}
