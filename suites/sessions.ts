import type { Holding } from '../check/check.ts'
import type { DataSession } from '../cluster/kinds/cross-cluster.ts'
import type { Attempt } from '../cluster/kinds/observations.ts'

const tries = 3

const products = { postgres: 'Postgres', dragonfly: 'Dragonfly', minio: 'MinIO' } as const
export const productOf = ({ service }: Pick<DataSession, 'service'>): string => products[service]

export const nameOfSession = (session: DataSession) => {
  const [namespace = '', name = ''] = session.of.split('/')
  return { subject: `${productOf(session)} at ${session.of}`, look: `-n ${namespace} get service ${name} -o wide` }
}

/** What a failed attempt says of the service, to be printed after its name. */
const sentences: Record<Exclude<Attempt['outcome'], 'answered'>, string> = {
  'no name': 'has a name that the probe could not resolve',
  'no route': 'is at an address to which there is no route',
  refused: 'refuses connections',
  closed: 'closes connections before it answers',
  'too slow': 'does not answer in time',
  'wrong answer': 'gives a wrong answer',
  failed: 'could not be used',
  unknown: 'could not be asked',
}

/** True when it answered three times in a row; one answer out of several would be called a flake elsewhere. */
export function answersEveryTime({ attempts }: Pick<DataSession, 'attempts'>): Holding {
  const failed = attempts.filter(({ outcome }) => outcome !== 'answered')
  const [first] = failed
  if (first !== undefined && first.outcome !== 'answered')
    return `${sentences[first.outcome]}, ${failed.length} of ${attempts.length} times: ${first.detail}`
  return attempts.length >= tries || `was only tried ${attempts.length} of ${tries} times`
}
