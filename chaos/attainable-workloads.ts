import { z } from 'zod'
import { deadlineIn } from '../check/deadline.ts'
import type { Attainability } from './attainability.ts'
import { attainabilityOf, attainabilityText, workloadSchema } from './attainability.ts'
import { readObject } from './cluster-reads.ts'
import type { Field } from './field.ts'

const readMs = 30_000
const kinds = { deployments: 'Deployment', statefulsets: 'StatefulSet', daemonsets: 'DaemonSet' } as const

/** What each workload of both clusters can reach at best, as lines; without `all` only what cannot be met for sure. */
export async function attainabilityLines(field: Field, all: boolean): Promise<string[]> {
  const perCluster = await Promise.all(
    (['infra', 'apps'] as const).map(async (cluster) => {
      const lists = await Promise.all(
        Object.entries(kinds).map(async ([plural, kind]) => {
          const loose = z.object({ items: z.array(z.looseObject({})) })
          const path = `/apis/apps/v1/${plural}`
          const found = await readObject(field.connections[cluster], path, loose, deadlineIn(readMs))
          return (found?.items ?? []).map((item) => workloadSchema.parse({ ...item, kind }))
        }),
      )
      const judged = lists.flat().flatMap((workload) => attainabilityOf(workload, field.platform.figures))
      return [
        `${cluster}: ${summaryOf(judged)}`,
        ...judged.filter(({ verdict }) => all || verdict !== 'attainable').map((one) => `  ${attainabilityText(one)}`),
      ]
    }),
  )
  return perCluster.flat()
}

function summaryOf(judged: readonly Attainability[]): string {
  const count = (wanted: Attainability['verdict']) => judged.filter(({ verdict }) => verdict === wanted).length
  return `of ${judged.length} objectives of workloads ${count('attainable')} can be met, ${count('depends')} may be, ${count('not attainable')} cannot`
}
