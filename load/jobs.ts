import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { create } from '../cluster/own-namespace.ts'
import type { Owner } from '../cluster/own-objects.ts'
import { loads } from '../cluster/own-objects.ts'
import type { K6Log } from './k6-log.ts'
import { mergeLogs, parseK6Log } from './k6-log.ts'
import { usableCodes } from './k6.ts'
import type { GeneratorForm, K6Job } from './objects.ts'
import { jobObject, k6Container, testRunObject } from './objects.ts'
import type { LoadPod } from './pods.ts'
import { logOf, waitForGenerators } from './pods.ts'

const jobsPath = `/apis/batch/v1/namespaces/${loads.name}/jobs`
const operatorPath = '/apis/k6.io/v1alpha1'
const testRunsPath = `${operatorPath}/namespaces/${loads.name}/testruns`

/** Whether a cluster has the k6-operator, by the kind that it serves. */
export const hasOperator = async (connection: Connection, deadline: Deadline): Promise<boolean> =>
  (await connection.get(operatorPath, deadline)).status === 200

export const generatorsIn = (form: GeneratorForm): number => (form.kind === 'Job' ? 1 : form.parallelism)

export async function startGenerators(
  connection: Connection,
  form: GeneratorForm,
  job: K6Job,
  owner: Owner,
  deadline: Deadline,
): Promise<void> {
  if (form.kind === 'Job') await create(connection, jobsPath, jobObject(job, owner), deadline)
  else await create(connection, testRunsPath, testRunObject(job, form.parallelism, owner), deadline)
}

const oneJob: GeneratorForm = { kind: 'Job' }

/** A load that one generator is enough for, wherever it runs. */
export const startJob = (connection: Connection, job: K6Job, owner: Owner, deadline: Deadline): Promise<void> =>
  startGenerators(connection, oneJob, job, owner, deadline)

const endOf = ({ status }: LoadPod) =>
  status.containerStatuses.find(({ name }) => name === k6Container)?.state.terminated

/**
 * Waits until every k6 of a name has ended and reads what they wrote. Their pods may live on: the proxy beside k6 does
 * not end with it. Throws when one could not do its work, or when its log is not whole.
 */
export async function resultOf(
  connection: Connection,
  job: { name: string; loads: number; form?: GeneratorForm },
  deadline: Deadline,
): Promise<{ log: K6Log; pod: LoadPod }> {
  const wanted = { name: job.name, count: generatorsIn(job.form ?? oneJob) }
  const pods = await waitForGenerators(connection, wanted, (one) => endOf(one) !== undefined, deadline)
  const logs = await Promise.all(pods.map((pod) => logOfK6(connection, pod, job, deadline)))
  const [pod] = pods
  if (!pod) throw new Error(`k6 of ${job.name} has no pod`)
  return { log: mergeLogs(logs), pod }
}

async function logOfK6(
  connection: Connection,
  pod: LoadPod,
  job: { name: string; loads: number },
  deadline: Deadline,
): Promise<K6Log> {
  const code = endOf(pod)?.exitCode ?? -1
  const text = await logOf(connection, pod.metadata.name, k6Container, deadline)
  if (!usableCodes.includes(code))
    throw new Error(
      `k6 of ${job.name} ended with ${code}: ${text.split('\n').slice(-6).join(' ').trim().slice(0, 400)}`,
    )
  return parseK6Log(text, job.loads)
}

/** Takes them away, with their pods: meshed ones would stay, because their proxies do. */
export async function removeGenerators(
  connection: Connection,
  name: string,
  deadline: Deadline,
  form: GeneratorForm = oneJob,
): Promise<void> {
  const path = form.kind === 'Job' ? jobsPath : testRunsPath
  await connection.send({ method: 'DELETE', path: `${path}/${name}?propagationPolicy=Background` }, deadline)
}
