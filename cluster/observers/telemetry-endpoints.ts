import type { Names } from '../../platform/platform.ts'
import { namespaceOf } from '../../platform/platform.ts'
import type { HTTPGet } from '../http-forward.ts'
import { getFromService } from '../http-forward.ts'
import type { Connection } from '../connection.ts'

type Endpoint = 'metricsQuery' | 'jaegerQuery' | 'logs' | 'alertRules' | 'alertmanager'
const usual = { metricsQuery: 8481, jaegerQuery: 16_686, logs: 9428, alertRules: 8080, alertmanager: 9093 } as const
const namespaceKey = {
  metricsQuery: 'metrics',
  jaegerQuery: 'jaeger',
  logs: 'logs',
  alertRules: 'metrics',
  alertmanager: 'metrics',
} as const

/** The stores are on infra; what is known of apps is asked for there too. */
export function endpointOnInfra(
  { sites, names }: { sites: { infra: { connection: Connection } }; names: Names },
  endpoint: Endpoint,
): HTTPGet {
  const { name, namespace = namespaceKey[endpoint], port = usual[endpoint] } = names.services[endpoint]
  return getFromService(sites.infra.connection, { namespace: namespaceOf(names, namespace), name, port })
}

/** The label that tells from which cluster a series is. */
export const clusterLabel = (names: Names): string => names.labels.metricsCluster.key
