import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { create } from '../cluster/own-namespace.ts'
import type { Owner } from '../cluster/own-objects.ts'
import { loads } from '../cluster/own-objects.ts'
import type { K6Log } from './k6-log.ts'
import { parseK6Log } from './k6-log.ts'
import { usableCodes } from './k6.ts'
import type { K6Job } from './objects.ts'
import { jobObject, k6Container } from './objects.ts'
import type { LoadPod } from './pods.ts'
import { logOf, waitForPods } from './pods.ts'

export const jobsPath = `/apis/batch/v1/namespaces/${loads.name}/jobs`

export const startJob = async (connection: Connection, job: K6Job, owner: Owner, deadline: Deadline): Promise<void> => {
  await create(connection, jobsPath, jobObject(job, owner), deadline)
}

const endOf = ({ status }: LoadPod) =>
  status.containerStatuses.find(({ name }) => name === k6Container)?.state.terminated

/**
 * Waits until k6 has ended and reads what it wrote. Its pod may live on: the proxy beside it does not end with it.
 * Throws when k6 could not do its work, or when its log is not whole.
 */
export async function resultOf(
  connection: Connection,
  job: { name: string; loads: number },
  deadline: Deadline,
): Promise<{ log: K6Log; pod: LoadPod }> {
  const [pod] = await waitForPods(connection, [job.name], (one) => endOf(one) !== undefined, deadline)
  if (!pod) throw new Error(`Job ${job.name} has no pod`)
  const code = endOf(pod)?.exitCode ?? -1
  const text = await logOf(connection, pod.metadata.name, k6Container, deadline)
  if (!usableCodes.includes(code))
    throw new Error(
      `k6 of ${job.name} ended with ${code}: ${text.split('\n').slice(-6).join(' ').trim().slice(0, 400)}`,
    )
  return { log: parseK6Log(text, job.loads), pod }
}

/** Takes a Job away, with its pod: a meshed one would stay, because its proxy does. */
export async function removeJob(connection: Connection, name: string, deadline: Deadline): Promise<void> {
  await connection.send({ method: 'DELETE', path: `${jobsPath}/${name}?propagationPolicy=Background` }, deadline)
}
