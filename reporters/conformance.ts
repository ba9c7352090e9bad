import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { messageOf } from '../check/error-message.ts'
import type { Result } from '../check/result.ts'
import { judgedOf, testStateOf } from './judged.ts'

export type Collected = {
  results: Result[]
  /** What went wrong outside of any judgement, one text each. */
  errors: string[]
  /** Also true when the end of the run was never reported. */
  interrupted: boolean
}

type WithMessage = { message: string }

/** A vitest reporter that collects the results of a run, and everything that keeps the run from being a verdict. */
export function createConformanceCollector(): { reporter: Reporter; collected: () => Collected } {
  const results: Result[] = []
  const errors: string[] = []
  let ended = false
  let interrupted = false
  const note = (where: string, faults: readonly WithMessage[] = []) =>
    errors.push(...faults.map(({ message }) => `${where}: ${message}`))

  const reporter: Reporter = {
    onTestCaseResult(test) {
      try {
        const judged = judgedOf(test.meta())
        if (judged) results.push(judged.result)
        const fault = disagreement(test, judged?.result)
        if (fault !== undefined) errors.push(`${test.fullName}: ${fault}`)
      } catch (error) {
        errors.push(`${test.fullName}: ${messageOf(error)}`)
      }
    },
    onTestModuleEnd(module) {
      note(module.relativeModuleId, module.errors())
      for (const suite of module.children.allSuites()) note(suite.fullName, suite.errors())
    },
    onTestRunEnd(_modules: readonly TestModule[], unhandled, reason) {
      ended = true
      interrupted = reason === 'interrupted'
      note('unhandled error', unhandled)
    },
  }
  return {
    reporter,
    collected: () => ({ results: [...results], errors: [...errors], interrupted: interrupted || !ended }),
  }
}

/** A test that ended otherwise than its outcome says failed outside of its judgement. */
function disagreement(test: TestCase, result: Result | undefined): string | undefined {
  const { state, errors = [] } = test.result()
  const said = errors.map(({ message }) => message).join('; ')
  if (!result) return state === 'failed' ? said : undefined
  const expected = testStateOf[result.outcome]
  if (state === expected) return undefined
  return `${result.outcome} has to be a ${expected} test, this one is ${state}${said && `: ${said}`}`
}
