import { z } from 'zod'
import type { ClusterName, Names } from '../platform/platform.ts'
import type { Deadline } from '../check/deadline.ts'
import { DeadlineExceeded } from '../check/deadline.ts'
import { messageOf } from '../check/error-message.ts'
import type { Get, List, Listing, Source } from '../check/source.ts'
import type { Answer, Connection } from './connection.ts'
import type { Served } from './discovery.ts'
import { pathOfList } from './discovery.ts'
import { parseJSON } from './json.ts'

/** Objects per page of a list. */
const usualPageSize = 500
/** A list that expired while it was paged (410) is begun anew so many times. */
const restarts = 1

export type Reading = {
  cluster: ClusterName
  connection: Connection
  names: Names
  deadline: Deadline
  pageSize?: number
}

/** Reads one source. Never throws: whatever goes wrong becomes the listing's state, with the reason. */
export async function readSource(source: Source<unknown>, served: Served, reading: Reading): Promise<Listing> {
  try {
    switch (source.from.type) {
      case 'list': {
        const path = pathOfList(source.from, served)
        return path.found ? await readList(path.path, source.from, reading) : { state: 'absent', reason: path.reason }
      }
      case 'get':
        if (source.from.cluster !== undefined && source.from.cluster !== reading.cluster)
          return { state: 'listed', items: [] }
        return await readOne(source.from, reading)
      case 'connection':
        return { state: 'listed', items: [await aspectOf(source.from.aspect, reading.connection)] }
      case 'observation':
        return { state: 'unreachable', reason: 'was not observed in this run' }
    }
  } catch (error) {
    const late = error instanceof DeadlineExceeded || reading.deadline.signal.aborted
    return { state: 'unreachable', reason: late ? `no answer in time (${messageOf(error)})` : messageOf(error) }
  }
}

async function aspectOf(aspect: 'certificate' | 'kubeconfig', connection: Connection): Promise<unknown> {
  return aspect === 'certificate'
    ? connection.certificate()
    : { server: connection.server, context: connection.context }
}

const listPage = z.object({
  kind: z.string().optional(),
  apiVersion: z.string().optional(),
  metadata: z.object({ continue: z.string().optional() }).optional(),
  items: z.array(z.record(z.string(), z.unknown())),
})

/** A list of metadata without items has null in their place. */
const metadataPage = listPage.extend({
  kind: z.literal('PartialObjectMetadataList'),
  items: listPage.shape.items.nullable().transform((items) => items ?? []),
})

const metadataListAccept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

async function readList(path: string, list: List, reading: Reading, attempt = 0): Promise<Listing> {
  const { kind, metadataOnly, labelSelector } = list
  const items: unknown[] = []
  let next = ''
  do {
    const query = new URLSearchParams({
      limit: String(reading.pageSize ?? usualPageSize),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(next === '' ? {} : { continue: next }),
    })
    // Pages follow one another: each names the next.
    // oxlint-disable-next-line no-await-in-loop
    const answer = await reading.connection.get(
      `${path}?${query.toString()}`,
      reading.deadline,
      metadataOnly ? metadataListAccept : undefined,
    )
    if (answer.status === 410 && attempt < restarts) return readList(path, list, reading, attempt + 1)
    const failure = failureOf(answer, path)
    if (failure) return failure
    const page = (metadataOnly ? metadataPage : listPage).safeParse(parseJSON(answer.text))
    if (!page.success)
      return { state: 'malformed', reason: `GET ${path}: ${z.prettifyError(page.error).replaceAll('\n', ' ')}` }
    // Items of a list carry neither kind nor apiVersion; people and commands need them.
    for (const item of page.data.items) items.push({ ...item, kind })
    next = page.data.metadata?.continue ?? ''
  } while (next !== '')
  return { state: 'listed', items }
}

const metadataOnlyAccept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

async function readOne({ path: pathFor, metadataOnly, accept }: Get, reading: Reading): Promise<Listing> {
  const path = pathFor(reading.names)
  const answer = await reading.connection.get(path, reading.deadline, metadataOnly ? metadataOnlyAccept : accept)
  if (answer.status === 404) return { state: 'listed', items: [] }
  const failure = failureOf(answer, path)
  if (failure) return failure
  const document = parseJSON(answer.text)
  if (document === undefined) return { state: 'malformed', reason: `GET ${path} did not answer with JSON` }
  return { state: 'listed', items: [document] }
}

const apiStatus = z.object({ message: z.string() })

/** The listing that a status other than 200 leads to. The API server's own words are kept: they name user, verb and kind. */
export function failureOf({ status, text }: Answer, path: string): Listing | undefined {
  if (status === 200) return undefined
  const said = apiStatus.safeParse(parseJSON(text))
  const message = said.success ? said.data.message : text.slice(0, 200).replaceAll(/\s+/g, ' ').trim()
  if (status === 401) return { state: 'forbidden', reason: `401, the credentials are not accepted: ${message}` }
  if (status === 403) return { state: 'forbidden', reason: message }
  if (status === 404) return { state: 'absent', reason: `GET ${path} answered 404` }
  return { state: 'unreachable', reason: `GET ${path} answered ${status}: ${message}` }
}
