import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { deadlineIn } from '../check/deadline.ts'
import { parseJSON } from '../cluster/json.ts'
import type { ClusterName } from '../platform/platform.ts'
import { isReady, readNodes } from './cluster-reads.ts'
import type { Guardian } from './experiment.ts'
import type { Field } from './field.ts'
import type { Intent, Journal } from './journal/disk.ts'
import { openJournal } from './journal/disk.ts'
import { holderOn, stopOn } from './journal/in-cluster.ts'
import { stopOnDisk, writeStop } from './stop.ts'
import { takeBack } from './take-back.ts'
import { undoMs } from './undo.ts'

const everyMs = 1_000
const clusterEveryMs = 3_000
const answerMs = 2_500
/** So long nobody may see a cluster before that alone is a reason to stop. */
const blindMs = 30_000
const farewell = 'done'

/** What the guardian says on its output. */
const saidSchema = z.object({ stopped: z.string() })

/**
 * Starts the guardian of an experiment: another process, with connections of its own. It watches what may stop the
 * experiment, and takes the experiment back when this process dies. `command` starts `guardExperiment` for a journal.
 */
export async function startGuardian(command: readonly string[], journal: Journal): Promise<Guardian> {
  const [file, ...args] = [...command, journal.file]
  // Its own group: what ends the runner must not end its guardian.
  const child = spawn(file, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  let stopped: string | undefined
  let isDismissed = false
  const lines = createInterface({ input: child.stdout })
  const ready = once(lines, 'line')
  lines.on('line', (line) => {
    const said = saidSchema.safeParse(parseJSON(line))
    if (said.success) stopped ??= said.data.stopped
  })
  child.once('exit', () => {
    if (!isDismissed) stopped ??= 'the guardian of the experiment died'
  })
  await Promise.race([ready, once(child, 'exit')])
  return {
    stopped: () => stopped,
    dismiss: async () => {
      isDismissed = true
      child.stdin.end(`${farewell}\n`)
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** The guardian itself. Returns when the experiment has ended, however it did. */
export async function guardExperiment(intent: Intent, field: Field): Promise<void> {
  const runner = watchRunner()
  console.log('watching')
  const reason = await reasonToStop(intent, field, runner)
  if (reason === undefined) return
  const { kind, text } = reason
  console.log(JSON.stringify({ stopped: text }))
  const journal = openJournal(intent.id)
  journal.write('stopped', { note: text })
  // A runner that died says nothing against the next one; everything else has to be looked at by somebody first.
  if (kind === 'danger') writeStop(text)
  const taken = await takeBack(intent.undo, field, deadlineIn(undoMs(intent.undo)))
  for (const { text: what, failure } of taken) if (failure !== undefined) console.error(`could not ${what}: ${failure}`)
}

type Runner = { state: 'running' | 'done' | 'gone' }

/** The runner says when it is done; when its end of the pipe closes without that, it is dead. */
function watchRunner(): Runner {
  const runner: Runner = { state: 'running' }
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    if (line === farewell) runner.state = 'done'
  })
  lines.once('close', () => {
    if (runner.state === 'running') runner.state = 'gone'
  })
  return runner
}

type Reason = { kind: 'danger' | 'runner gone' | 'asked'; text: string }

async function reasonToStop(intent: Intent, field: Field, runner: Runner): Promise<Reason | undefined> {
  const seenAt = Object.fromEntries(intent.clusters.map((cluster) => [cluster, performance.now()]))
  let lookedAt = 0
  for (;;) {
    if (runner.state === 'done') return undefined
    if (runner.state === 'gone') return { kind: 'runner gone', text: `the runner ${intent.holder} died` }
    const asked = stopOnDisk()
    if (asked !== undefined) return { kind: 'asked', text: asked }
    if (Date.now() > Date.parse(intent.endsAt)) return { kind: 'danger', text: 'the experiment has outlasted its time' }
    if (performance.now() - lookedAt >= clusterEveryMs) {
      lookedAt = performance.now()
      // oxlint-disable-next-line no-await-in-loop -- a watch
      const reason = await reasonOnClusters(intent, field, seenAt)
      if (reason !== undefined) return reason
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(everyMs)
  }
}

async function reasonOnClusters(
  { clusters, hidesAPI }: Intent,
  field: Field,
  seenAt: Record<string, number>,
): Promise<Reason | undefined> {
  const reasons = await Promise.all(
    clusters.map(async (cluster): Promise<Reason | undefined> => {
      try {
        const stop = await stopOn(field.connections[cluster], deadlineIn(answerMs))
        seenAt[cluster] = performance.now()
        return stop === undefined ? undefined : { kind: 'asked', text: stop }
      } catch {
        const blind = performance.now() - (seenAt[cluster] ?? 0)
        return hidesAPI || blind < blindMs
          ? undefined
          : { kind: 'danger', text: `nobody could see ${cluster} for ${Math.round(blind / 1_000)} s` }
      }
    }),
  )
  return reasons.find((reason) => reason !== undefined) ?? (await otherClusterUnwell(clusters, field))
}

/** While one cluster is broken on purpose, the other one has to be well, unless it has an experiment of its own. */
async function otherClusterUnwell(
  clusters: readonly ClusterName[],
  { connections }: Field,
): Promise<Reason | undefined> {
  const other = clusters.length > 1 ? undefined : clusters[0] === 'infra' ? 'apps' : 'infra'
  if (other === undefined) return undefined
  try {
    const deadline = deadlineIn(answerMs)
    const lost = (await readNodes(connections[other], deadline)).filter((node) => !isReady(node))
    if (lost.length === 0 || (await holderOn(connections[other], deadline)) !== undefined) return undefined
    return { kind: 'danger', text: `node ${lost[0]?.metadata.name} of ${other} is not Ready, and nobody here did that` }
  } catch {
    // Not being able to see the other cluster is told by its own experiments.
    return undefined
  }
}
