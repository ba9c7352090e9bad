import type { Deadline } from '../check/deadline.ts'
import type { Connection } from '../cluster/connection.ts'
import { create, pathOf } from '../cluster/own-namespace.ts'
import type { Owner } from '../cluster/own-objects.ts'
import { loads } from '../cluster/own-objects.ts'
import type { ClusterName } from '../platform/platform.ts'
import type { ArmRole, GeneratorForm, K6Program } from './objects.ts'
import { scriptObject, serverObjects, serverPodName, serverPort } from './objects.ts'
import { isReady, waitForServers } from './pods.ts'

/** One cluster of a load test. */
export type LoadSite = {
  cluster: ClusterName
  connection: Connection
  owner: Owner
  /** Servers on one node, k6 on another one: both arms go the same way. On a cluster of one node they are the same. */
  nodes: { server: string; client: string }
  serverImage: string
  k6: K6Program
  /** Of the loads that are compared. */
  form: GeneratorForm
  clusterDomain: string
}

export type Server = { name: string; role: ArmRole; isExported?: boolean; cpuLimit?: string }

/** What stands on each cluster. Every measurement has servers of its own, so that proxies count nothing else. */
export const serversOn: Record<ClusterName, readonly Server[]> = {
  infra: [
    { name: 'meshed', role: 'meshed' },
    { name: 'plain', role: 'plain' },
    { name: 'known', role: 'meshed' },
    { name: 'direct', role: 'meshed' },
    { name: 'exported', role: 'meshed', isExported: true },
  ],
  apps: [
    { name: 'meshed', role: 'meshed' },
    { name: 'plain', role: 'plain' },
    { name: 'known', role: 'meshed' },
  ],
}

export const urlOf = (service: string, { clusterDomain }: Pick<LoadSite, 'clusterDomain'>, path = '/hostname') =>
  `http://${service}.${loads.name}.svc.${clusterDomain}:${serverPort}${path}`

/** The name of a server's pod. */
export const podOf = (server: string, { owner }: Pick<LoadSite, 'owner'>) => serverPodName(server, owner)

/** Makes servers on a cluster and waits until all are ready. `exporting`: the labels that export a Service. */
export async function raiseServers(
  { connection, owner, nodes, serverImage }: LoadSite,
  servers: readonly Server[],
  exporting: Record<string, string>,
  deadline: Deadline,
): Promise<void> {
  await create(connection, `${pathOf(loads)}/configmaps`, scriptObject(owner), deadline)
  await Promise.all(
    servers.map(async ({ name, role, isExported, cpuLimit }) => {
      const { pod, service } = serverObjects(
        { name, role, node: nodes.server, image: serverImage, ...(cpuLimit === undefined ? {} : { cpuLimit }) },
        owner,
        isExported ? exporting : {},
      )
      await create(connection, `${pathOf(loads)}/services`, service, deadline)
      await create(connection, `${pathOf(loads)}/pods`, pod, deadline)
    }),
  )
  await waitForServers(
    connection,
    servers.map(({ name }) => name),
    isReady,
    deadline,
  )
}
