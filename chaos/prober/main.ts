// A prober in a process of its own: it can stand in another network namespace, and a busy runner does not slow it down.
// Its order comes in PROBER_ORDER, because passwords are not for the list of processes; what it sees goes to its output,
// one JSON line per attempt. It ends with its input.
import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import { connect } from '../../cluster/connection.ts'
import { messageOf } from '../../check/error-message.ts'
import type { Answer } from './open-arrivals.ts'
import { keepAsking } from './open-arrivals.ts'
import { makeCanary, readCanaries, readFiles, writeCanaryFile } from './canaries.ts'
import { askAPI, dropTable, getOnce, insertRow, makeTable, readRows } from './operations.ts'

const database = z.object({
  host: z.string(),
  port: z.number(),
  user: z.string(),
  password: z.string(),
  database: z.string(),
  table: z.string().regex(/^[a-z_0-9]+$/),
})
const timing = { periodMs: z.number(), timeoutMs: z.number() }
const orderSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('get'), url: z.string(), ...timing }),
  z.object({
    do: z.literal('api'),
    kubeconfig: z.string(),
    context: z.string(),
    path: z.string(),
    isWrite: z.boolean(),
    ...timing,
  }),
  z.object({ do: z.literal('insert'), database, ...timing }),
  z.object({ do: z.literal('files'), folder: z.string(), ...timing }),
  z.object({ do: z.literal('file rows'), folder: z.string() }),
  z.object({
    do: z.literal('objects'),
    kubeconfig: z.string(),
    context: z.string(),
    namespace: z.string(),
    ...timing,
  }),
  z.object({ do: z.literal('object rows'), kubeconfig: z.string(), context: z.string(), namespace: z.string() }),
  z.object({ do: z.literal('rows'), database }),
  z.object({ do: z.literal('drop'), database }),
])
export type Order = z.infer<typeof orderSchema>

const leave = new AbortController()
process.stdin.resume().once('end', () => leave.abort())
process.once('SIGTERM', () => leave.abort())

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

async function obey(order: Order): Promise<void> {
  if (order.do === 'rows' || order.do === 'file rows' || order.do === 'object rows') {
    const rows = await rowsOf(order)
    for (const row of rows) say(row)
    say({ said: rows.length })
    return
  }
  if (order.do === 'drop') {
    await dropTable(order.database)
    say({ said: 0 })
    return
  }
  const operate = await operationOf(order)
  await keepAsking({ periodMs: order.periodMs, signal: leave.signal, operate, tell: say })
}

type Reading = Extract<Order, { do: 'rows' | 'file rows' | 'object rows' }>

async function rowsOf(order: Reading): Promise<unknown[]> {
  if (order.do === 'rows') return readRows(order.database)
  if (order.do === 'file rows') return readFiles(order.folder)
  return readCanaries({ ...order, connection: await connect(order.kubeconfig, order.context) })
}

async function operationOf(
  order: Exclude<Order, Reading | { do: 'drop' }>,
): Promise<(sequence: number) => Promise<Answer>> {
  switch (order.do) {
    case 'get':
      return () => getOnce(order.url, order.timeoutMs)
    case 'api': {
      const connection = await connect(order.kubeconfig, order.context)
      return (sequence) => askAPI({ ...order, connection }, sequence)
    }
    case 'files':
      await mkdir(order.folder, { recursive: true })
      return (sequence) => writeCanaryFile(order.folder, sequence)
    case 'objects': {
      const connection = await connect(order.kubeconfig, order.context)
      return (sequence) => makeCanary({ ...order, connection }, sequence)
    }
    case 'insert':
      await makeTable(order.database)
      return (sequence) => insertRow(order.database, sequence, order.timeoutMs)
  }
}

try {
  await obey(orderSchema.parse(JSON.parse(process.env['PROBER_ORDER'] ?? '{}')))
  // What was said last may still be on its way.
  await new Promise((resolve) => process.stdout.write('', resolve))
  process.exit(0)
} catch (error) {
  console.error(messageOf(error))
  process.exit(1)
}
