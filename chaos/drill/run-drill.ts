import { join } from 'node:path'
import { mkdir, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { deadlineIn } from '../../check/deadline.ts'
import type { ClusterName } from '../../platform/platform.ts'
import type { Field } from '../field.ts'
import { objectiveSeconds } from '../judge-run.ts'
import { runPicture } from '../picture.ts'
import type { Run } from '../run-record.ts'
import type { Done } from '../run-scenarios.ts'
import type { DrillHeader, DrillSummary } from './record.ts'
import { drillRecord } from './record.ts'
import { keepRecord } from './store.ts'

const keepMs = 20_000

export type KeptDrill = { file: string; pictures: string[]; isComplete: boolean }

/** Writes the record of a drill into the folder, with a picture per run, and a summary onto the clusters that it was about. */
export async function keepDrill(
  tier: number,
  done: readonly Done[],
  field: Field,
  started: Date,
  folder: string,
): Promise<KeptDrill> {
  const header = await headerOf(tier, done, field, started)
  const ended = new Date()
  const { text, head, end } = drillRecord(
    header,
    done.map(({ run }) => run),
    field.platform.figures,
    ended,
  )
  const id = `tier${tier}-${started.toISOString().slice(0, 19).replaceAll(/[:T]/g, '-')}`
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${id}.jsonl`)
  await writeFile(file, text)
  const pictures = await Promise.all(
    done.map(async ({ run, judged }) => {
      const picture = join(folder, `${id}-${run.scenario.id}.svg`)
      await writeFile(picture, runPicture(run, judged))
      return picture
    }),
  )
  const counts = Map.groupBy(end.verdicts, ({ kind }) => kind)
  const summary = {
    tier,
    simulated: header.simulated,
    startedAt: header.startedAt,
    endedAt: end.endedAt,
    isComplete: end.isComplete,
    head,
    verdicts: Object.fromEntries([...counts].map(([kind, all]) => [kind, all.length])),
  }
  await Promise.all((['infra', 'apps'] as const).map((cluster) => keepOn(cluster, id, summary, header, field)))
  return { file, pictures, isComplete: end.isComplete }
}

async function keepOn(
  cluster: ClusterName,
  id: string,
  summary: Omit<DrillSummary, 'uid'>,
  { uids }: DrillHeader,
  field: Field,
): Promise<void> {
  const uid = uids[cluster]
  if (uid !== undefined) await keepRecord(field.connections[cluster], id, { ...summary, uid }, deadlineIn(keepMs))
}

/** A rebuilt cluster is another one: the record is about what stands now. */
const uidsAfter = ({ uids, rebuilt, scenario }: Run): DrillHeader['uids'] =>
  rebuilt && scenario.cluster !== 'across' ? { ...uids, [scenario.cluster]: rebuilt.uid } : uids

async function headerOf(tier: number, done: readonly Done[], field: Field, started: Date): Promise<DrillHeader> {
  const { figures } = field.platform
  const git = async (...args: string[]) => {
    const { stdout, exitCode } = await execa('git', args, { reject: false, cwd: import.meta.dirname })
    return exitCode === 0 ? stdout.trim() : undefined
  }
  return {
    what: 'a drill of twinproof',
    tier,
    target: field.target,
    simulated: field.target === 'pair',
    uids: Object.assign({}, ...done.map(({ run }) => uidsAfter(run))) as DrillHeader['uids'],
    document: { title: figures.document.title, version: figures.document.version },
    objectives: {
      podRecovery: objectiveSeconds(figures, 'podRecovery'),
      nodeRecovery: objectiveSeconds(figures, 'nodeRecovery'),
      clusterRecovery: objectiveSeconds(figures, 'clusterRecovery'),
    },
    commit: (await git('rev-parse', 'HEAD')) ?? 'unknown',
    isDirty: (await git('status', '--porcelain')) !== '',
    startedAt: started.toISOString(),
  }
}
