import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Names } from '../../platform/platform.ts'
import { namespaceOf } from '../../platform/platform.ts'
import type { PodContainer } from '../channels.ts'
import { runIn } from '../channels.ts'
import type { Observer, Site } from '../observe.ts'
import { parseJSON } from '../json.ts'
import type { Pod } from '../kinds/core.ts'
import { pods } from '../kinds/core.ts'
import type { CephItem } from '../kinds/storage-observations.ts'

/** Commands that read, and nothing else. */
const commands = {
  tree: ['osd', 'tree'],
  dump: ['osd', 'dump'],
  usage: ['df'],
} as const
const connectSeconds = '10'

/** Asks Ceph itself. There is nothing to ask where neither toolbox nor operator runs. */
export const observeCeph: Observer = async ({ here, names, deadline }) => {
  const place = placeOf(here.list(pods), names)
  if (!place) return []
  const ask = async (command: readonly string[]) => answerTo(command, place, here, deadline)
  const [tree, dump, usage] = await Promise.all([ask(commands.tree), ask(commands.dump), ask(commands.usage)])
  return cephItems({ tree, dump, usage })
}

type Place = PodContainer & { options: string[] }

/** The toolbox knows its cluster; the operator has a file per cluster, as its own commands use it. */
function placeOf(all: readonly Pod[], names: Names): Place | undefined {
  const namespace = namespaceOf(names, 'rookCeph')
  const find = (app: string) =>
    all.find(
      ({ metadata, status }) =>
        metadata.namespace === namespace && metadata.labels['app'] === app && status.phase === 'Running',
    )
  const [toolbox, operator] = [find(names.workloads.cephTools.name), find('rook-ceph-operator')]
  const pod = toolbox ?? operator
  if (!pod) return undefined
  const container = pod.spec.containers.find(({ name }) => name !== 'linkerd-proxy')?.name ?? ''
  const file = `/var/lib/rook/${namespace}/${namespace}.config`
  return { namespace, pod: pod.metadata.name, container, options: toolbox ? [] : ['--conf', file] }
}

async function answerTo(
  command: readonly string[],
  { options, ...where }: Place,
  { connection }: Site,
  deadline: Deadline,
): Promise<unknown> {
  const words = ['ceph', ...options, '--connect-timeout', connectSeconds, ...command, '--format', 'json']
  const { ending, output, errors } = await runIn(connection, where, words, deadline)
  const said = `${where.pod}: ${words.join(' ')}`
  if (ending.state === 'lost') throw new Error(`${said} was lost: ${ending.reason}`)
  if (ending.code !== 0) throw new Error(`${said} ended with ${ending.code}: ${errors.trim().slice(0, 200)}`)
  const answer = parseJSON(output)
  if (answer === undefined) throw new Error(`${said} printed no JSON: ${output.trim().slice(0, 200)}`)
  return answer
}

const treeShape = z.object({
  nodes: z.array(
    z.object({ id: z.number(), name: z.string(), type: z.string(), children: z.array(z.number()).default([]) }),
  ),
})
const dumpShape = z.object({
  osds: z.array(z.object({ osd: z.number(), up: z.number(), in: z.number() })),
  pools: z.array(z.object({ pool_name: z.string(), size: z.number(), min_size: z.number() })),
})
const usageShape = z.object({
  pools: z.array(
    z.object({
      name: z.string(),
      stats: z.object({ stored: z.number().optional(), max_avail: z.number().optional() }),
    }),
  ),
})

/** Daemons and pools out of `ceph osd tree`, `ceph osd dump` and `ceph df`. Throws when an answer has another form. */
export function cephItems(answers: Record<keyof typeof commands, unknown>): CephItem[] {
  const tree = shaped(treeShape, answers.tree, commands.tree)
  const { osds, pools } = shaped(dumpShape, answers.dump, commands.dump)
  const usage = shaped(usageShape, answers.usage, commands.usage)
  const hostOf = (id: number) =>
    tree.nodes.find(({ type, children }) => type === 'host' && children.includes(id))?.name ?? 'no host'
  return [
    ...osds.map(({ osd, up, in: isIn }): CephItem => ({
      what: 'storage daemon',
      metadata: called(`osd.${osd}`),
      host: hostOf(osd),
      up: up === 1,
      in: isIn === 1,
    })),
    ...pools.map(({ pool_name: name, size, min_size: minSize }): CephItem => {
      const { stored, max_avail: available } = usage.pools.find((pool) => pool.name === name)?.stats ?? {}
      return {
        what: 'pool',
        metadata: called(name),
        size,
        minSize,
        ...(stored === undefined ? {} : { storedBytes: stored }),
        ...(available === undefined ? {} : { availableBytes: available }),
      }
    }),
  ]
}

const called = (name: string) => ({ name, labels: {}, annotations: {}, ownerReferences: [] })

function shaped<T>(shape: z.ZodType<T>, answer: unknown, command: readonly string[]): T {
  const parsed = shape.safeParse(answer)
  if (!parsed.success)
    throw new Error(`ceph ${command.join(' ')} answered in another form: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
