import type { Range } from '../clocks/attempts.ts'
import type { Rebuilt } from '../run-record.ts'
import type { Deadline } from '../../check/deadline.ts'
import type { Field } from '../field.ts'
import type { Target } from '../refusals.ts'
import type { Restored } from '../restore/restored.ts'
import type { Fault, Scenario } from '../scenario.ts'
import type { Undo } from '../undo.ts'

/** What is needed to make a fault; `id` marks everything that is made for it. */
export type Making<F extends Fault> = {
  id: string
  fault: F
  scenario: Scenario
  field: Field
  targets: readonly Target[]
  deadline: Deadline
  /** Says to whoever watches what goes on, where that takes long or needs them. */
  tell: (text: string) => void
}

/** What a driver has to report of its own, beside what probers see. */
export type Made = {
  restored?: Restored
  rebuilt?: Rebuilt
  /** When it was broken, where making took longer than that. */
  injected?: Range
}

/** One way to break something. It looks before anything is written down, and makes nothing that has no way back. */
export type Driver<F extends Fault> = {
  /** True when it makes pods of its own, which have to be taken away afterwards. */
  bringsPods?: true
  /** How long making the fault may take; half a minute when left out. */
  makeMs?: (scenario: Scenario) => number
  /** What exactly would be touched. Reads only. */
  find: (asked: Pick<Making<F>, 'fault' | 'scenario' | 'field' | 'deadline'>) => Promise<Target[]>
  /** The way back from each target, in their order; undefined where there is none. */
  undo: (
    asked: Pick<Making<F>, 'fault' | 'scenario' | 'field' | 'targets' | 'deadline' | 'id'>,
  ) => Promise<(Undo | undefined)[]>
  make: (making: Making<F>) => Promise<Made | void>
}
