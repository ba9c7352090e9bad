import { parse as parseYAML } from 'yaml'
import { z } from 'zod'
import { parseJSON } from '../json.ts'
import type { Route } from '../kinds/alerting.ts'
import type { Observer } from '../observe.ts'
import { endpointOnInfra } from './telemetry-endpoints.ts'

const statusAnswer = z.object({ config: z.object({ original: z.string() }) })

const labels = z.record(z.string(), z.string()).default({})
type Written = {
  receiver?: string | undefined
  match: Record<string, string>
  match_re: Record<string, string>
  matchers: string[]
  continue: boolean
  routes: Written[]
}
const written: z.ZodType<Written> = z.object({
  receiver: z.string().optional(),
  match: labels,
  match_re: labels,
  matchers: z.array(z.string()).default([]),
  continue: z.boolean().default(false),
  get routes() {
    return z.array(written).default([])
  },
}) as never
const configuration = z.object({ route: written, receivers: z.array(z.looseObject({ name: z.string() })) })

/** Asks Alertmanager for the configuration that it runs with. It hides addresses and secrets itself; only kinds of channels are kept. */
export const observeAlertRouting: Observer = async (observing) => {
  const { status, text } = await endpointOnInfra(observing, 'alertmanager')('/api/v2/status', observing.deadline)
  const parsed = statusAnswer.safeParse(parseJSON(text))
  if (status !== 200 || !parsed.success)
    throw new Error(`Alertmanager answered ${status} with something that is no status: ${text.slice(0, 120)}`)
  return [routingOf(parsed.data.config.original)]
}

/** Routes and receivers of a configuration. Throws when it is none. */
export function routingOf(text: string) {
  const { route, receivers } = configuration.parse(parseYAML(text))
  return {
    metadata: { name: 'alertmanager' },
    route: routeOf(route),
    receivers: receivers.map(({ name, ...channels }) => ({
      name,
      channels: Object.entries(channels).flatMap(([key, configs]) =>
        key.endsWith('_configs') && Array.isArray(configs) && configs.length > 0
          ? [key.slice(0, -'_configs'.length)]
          : [],
      ),
    })),
  }
}

function routeOf({ receiver, match, match_re: matchPattern, matchers, continue: goesOn, routes }: Written): Route {
  const older = (labelsOf: Record<string, string>, sign: string) =>
    Object.entries(labelsOf).map(([label, value]) => `${label}${sign}${JSON.stringify(value)}`)
  return {
    ...(receiver === undefined ? {} : { receiver }),
    matchers: [...matchers, ...older(match, '='), ...older(matchPattern, '=~')],
    continue: goesOn,
    routes: routes.map(routeOf),
  }
}
