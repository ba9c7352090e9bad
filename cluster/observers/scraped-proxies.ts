import { setTimeout as sleep } from 'node:timers/promises'
import type { Series } from '../clients/promql.ts'
import type { Pod } from '../kinds/core.ts'
import { pods } from '../kinds/core.ts'
import type { ScrapedProxy } from '../kinds/telemetry.ts'
import { scrapedWithinSeconds } from '../kinds/telemetry.ts'
import type { Observer } from '../observe.ts'
import { openStore } from './metrics-store.ts'
import { clusterLabel, endpointOnInfra } from './telemetry-endpoints.ts'

const pauseMs = 3_000
const reserveMs = 15_000

/** Which of the meshed pods the store has samples of. Waits for those that were scraped for the first time just now. */
export const observeScrapedProxies: Observer = async (observing) => {
  const { here, names, deadline } = observing
  const ask = await openStore(endpointOnInfra(observing, 'metricsQuery'), deadline)
  const label = `${clusterLabel(names)}="${here.cluster}"`
  const meshed = here.list(pods).filter(isMeshed)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- until all of them are there
    const [up, built] = await Promise.all([
      ask(`max_over_time(up{${label},job=~".*linkerd-proxy.*"}[${scrapedWithinSeconds}s])`),
      ask(`proxy_build_info{${label}}`),
    ])
    const seen = meshed.map((pod) => scraped(pod, up, built))
    if (seen.every(isComplete) || deadline.remainingMs() < reserveMs) {
      // oxlint-disable-next-line no-await-in-loop
      const there = await Promise.all(seen.map(async (proxy) => isComplete(proxy) || (await isThere(proxy))))
      return seen.filter((_, index) => there[index])
    }
    // oxlint-disable-next-line no-await-in-loop
    await sleep(pauseMs, undefined, { signal: deadline.signal })
  }

  /** A pod that was replaced since it was listed is rightly not scraped any more. */
  async function isThere({ metadata: { namespace = '', name } }: ScrapedProxy): Promise<boolean> {
    return (await here.connection.get(`/api/v1/namespaces/${namespace}/pods/${name}`, deadline)).status !== 404
  }
}

const isMeshed = ({ metadata, spec, status }: Pod) =>
  status.phase === 'Running' &&
  metadata.deletionTimestamp === undefined &&
  [...spec.initContainers, ...spec.containers].some(({ name }) => name === 'linkerd-proxy')

const isComplete = ({ up, version }: ScrapedProxy) => up === 1 && version !== undefined

const isYoung = ({ creationTimestamp }: Pod['metadata']) =>
  creationTimestamp !== undefined && Date.now() - Date.parse(creationTimestamp) < scrapedWithinSeconds * 1_000

function scraped({ metadata }: Pod, up: readonly Series[], built: readonly Series[]): ScrapedProxy {
  const own = ({ labels }: Series) => labels['namespace'] === metadata.namespace && labels['pod'] === metadata.name
  const value = up.find(own)?.value
  const version = built.find(own)?.labels['version']
  return {
    kind: 'Pod',
    metadata,
    ...(value === undefined ? {} : { up: value }),
    ...(version === undefined ? {} : { version }),
    ...(isYoung(metadata) ? { young: true as const } : {}),
  }
}
