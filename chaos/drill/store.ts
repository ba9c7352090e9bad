import { z } from 'zod'
import type { Deadline } from '../../check/deadline.ts'
import type { Connection } from '../../cluster/connection.ts'
import { parseJSON } from '../../cluster/json.ts'
import { change, readObject } from '../cluster-reads.ts'
import { managedBy } from '../names.ts'
import type { DrillSummary } from './record.ts'
import { summarySchema } from './record.ts'

/** Where the records of drills are kept on each cluster. No sweep removes it. */
export const drillNamespace = 'conformance-drills'
const drillLabel = 'conformance/drill'
const path = `/api/v1/namespaces/${drillNamespace}/configmaps`

/** Keeps what a drill found on the cluster that it was about. */
export async function keepRecord(
  connection: Connection,
  id: string,
  summary: DrillSummary,
  deadline: Deadline,
): Promise<void> {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: drillNamespace, labels: { ...managedBy } },
  }
  await change(connection, { method: 'POST', path: '/api/v1/namespaces', body: namespace }, deadline, [409])
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `drill-${id}`,
      namespace: drillNamespace,
      labels: { ...managedBy, [drillLabel]: `tier${summary.tier}` },
    },
    data: { 'summary.json': JSON.stringify(summary) },
  }
  await change(connection, { method: 'POST', path, body }, deadline)
}

const maps = z.object({ items: z.array(z.object({ data: z.record(z.string(), z.string()).default({}) })) })

/** All records of a cluster. One that cannot be read counts as none. */
export async function recordsOn(connection: Connection, deadline: Deadline): Promise<DrillSummary[]> {
  const found = await readObject(connection, `${path}?labelSelector=${encodeURIComponent(drillLabel)}`, maps, deadline)
  return (found?.items ?? []).flatMap(({ data }) => {
    const parsed = summarySchema.safeParse(parseJSON(data['summary.json'] ?? ''))
    return parsed.success ? [parsed.data] : []
  })
}
