import type { Journey } from '../platform/platform.ts'
import { lingerSecondsFor } from './batch.ts'
import { batchSeconds, settlingSeconds } from './experiment.ts'
import { knownRequests } from './known.ts'
import type { LoadShape } from './schedule.ts'
import { slotSeconds } from './schedule.ts'

/** The size of a load test. */
export type TestPlan = {
  /** Requests per second with and without the mesh. */
  rates: readonly number[]
  shape: LoadShape
  leastBlocks: number
  addsBlocks: boolean
  /** What is not compared is loaded before everything else, or while the last readings of what is compared are made: that saves time. */
  aside: 'first' | 'last'
  /** The way through the gateway, compared at one rate. */
  cross: { rate: number; shape: LoadShape; blocks: number }
  journeySeconds: number
  /** Of the load whose figures are known. A minute is what the dashboard of the mesh may take to show it. */
  knownSeconds: number
  /** How long pods of k6 may take to start. */
  leadSeconds: number
  /** From the first pod until everything is removed. */
  budgetSeconds: number
}

/** The rates of the study: arXiv 2411.02267. */
export const studyRates = [320, 1_600, 3_200] as const

export const fullPlan: TestPlan = {
  rates: studyRates,
  shape: { warmUpSeconds: 5, seconds: 10, gapSeconds: 1 },
  leastBlocks: 5,
  addsBlocks: true,
  aside: 'first',
  cross: { rate: 100, shape: { warmUpSeconds: 5, seconds: 20, gapSeconds: 1 }, blocks: 5 },
  journeySeconds: 120,
  knownSeconds: 60,
  leadSeconds: 25,
  budgetSeconds: 45 * 60,
}

/** For a machine of two cores that carries all six nodes: p50 and p95 only, one block more than are needed on each way. */
export const quickPlan: TestPlan = {
  rates: [40],
  shape: { warmUpSeconds: 1, seconds: 5, gapSeconds: 0.5 },
  leastBlocks: 6,
  addsBlocks: false,
  aside: 'last',
  cross: { rate: 30, shape: { warmUpSeconds: 1, seconds: 2, gapSeconds: 0.5 }, blocks: 6 },
  journeySeconds: 6,
  knownSeconds: 10,
  leadSeconds: 16,
  budgetSeconds: 232,
}

/** Pods, namespaces and their removal. */
const setUpSeconds = 45

/**
 * How long it takes without a block more than are needed. Without blocks to add, the last readings of one load are made
 * beside the next.
 */
export function leastSecondsOf(plan: TestPlan): number {
  const { aside, rates, leadSeconds, knownSeconds, journeySeconds, cross, leastBlocks, addsBlocks } = plan
  return Math.ceil(
    setUpSeconds +
      (aside === 'first'
        ? leadSeconds + Math.max(knownSeconds, journeySeconds)
        : Math.max(0, knownSeconds - quickPlan.knownSeconds)) +
      rates.length * batchSeconds(plan, leastBlocks) +
      batchSeconds({ ...plan, shape: cross.shape }, cross.blocks) -
      (addsBlocks ? 0 : lingerSecondsFor(0) + settlingSeconds),
  )
}

/** What is sent at most, and how long it takes: both are said before anything is sent. */
export function boundsOf(plan: TestPlan, journeys: readonly Journey[]) {
  const loadOf = (rate: number, { warmUpSeconds, seconds }: LoadShape, blocks: number) =>
    2 * blocks * rate * (warmUpSeconds + seconds)
  const perCluster = plan.rates.map((rate) => loadOf(rate, plan.shape, plan.leastBlocks)).reduce((a, b) => a + b, 0)
  const others =
    loadOf(plan.cross.rate, plan.cross.shape, plan.cross.blocks) +
    2 * knownRequests(plan.knownSeconds) +
    journeys.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond * plan.journeySeconds, 0)
  const leastSeconds = leastSecondsOf(plan)
  // Every second that is left, at the highest rate.
  const added = plan.addsBlocks
    ? (Math.max(0, plan.budgetSeconds - leastSeconds) / slotSeconds(plan.shape)) *
      Math.max(...plan.rates) *
      (plan.shape.warmUpSeconds + plan.shape.seconds)
    : 0
  return {
    requests: Math.ceil(2 * perCluster + others),
    mostRequests: Math.ceil(2 * (perCluster + added) + others),
    seconds: Math.min(plan.budgetSeconds, Math.ceil(leastSeconds)),
    mostSeconds: plan.budgetSeconds,
  }
}

export const minutesText = (seconds: number): string => (seconds / 60).toFixed(1)

export function boundsText({ requests, mostRequests, seconds, mostSeconds }: ReturnType<typeof boundsOf>): string {
  const more =
    mostRequests > requests
      ? `, with more blocks at most ${mostRequests} in ${minutesText(mostSeconds)} minutes`
      : `, at most ${minutesText(mostSeconds)} minutes`
  return `${requests} requests in about ${minutesText(seconds)} minutes${more}`
}
