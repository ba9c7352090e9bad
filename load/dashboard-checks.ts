import { check } from '../check/check.ts'
import { measured } from '../check/measured.ts'
import { compareLatency, isWithin } from './known.ts'
import type { Percentile } from './latencies.ts'
import { percentiles } from './latencies.ts'
import { dashboardFigures, tappedRequests } from './sources.ts'

/** Claims about Linkerd Viz that need requests to look at. */

const milliseconds = new Intl.NumberFormat('en', { maximumFractionDigits: 1, useGrouping: false })
const liveSeconds = 60
/** Its counts are extrapolated to a minute, successes and failures alike. */
const rateTolerance = 0.05

export const dashboardFollowsLoad = measured({
  claim: 'OBS-51',
  fact: 'the dashboard of Linkerd Viz follows a load within a minute',
  reads: { known: dashboardFigures },
  population: 'known loads',
  atLeast: 1,
  expected: `within ${liveSeconds} s its connection, its success rate and its latencies`,
  subjects: (read) => read.known,
  name: ({ metadata }) => ({ subject: metadata.name }),
  decides: (known) => {
    const late = [
      lateness('figures', known.figuresAfterSeconds),
      lateness('connection', known.connectionAfterSeconds),
    ].filter((one) => one !== undefined)
    const { wrong, unclear } = comparedFigures(known)
    const faults = [...late, ...wrong]
    // Connections are shown while they are open, and figures are those of a minute, in which kubelets ask too.
    if (faults.length > 0 && known.loadSeconds < liveSeconds)
      return {
        undecided: `${known.metadata.name}: ${faults.join(', ')}, but it lasted ${known.loadSeconds} s only; a load of ${liveSeconds} s would tell`,
      }
    if (faults.length > 0) return faults.join(', ')
    return (
      unclear.length === 0 || {
        undecided: `${known.metadata.name}: ${unclear.join(', ')} for k6, which may have waited for a processor`,
      }
    )
  },
  compare: (read) =>
    read.known.flatMap(({ metadata, figuresAfterSeconds }) =>
      figuresAfterSeconds === undefined
        ? []
        : [
            {
              name: `figures of ${metadata.name} shown after`,
              unit: 's',
              documented: 'live',
              observed: Number(figuresAfterSeconds.toFixed(0)),
            },
          ],
    ),
})

function lateness(what: string, seconds: number | undefined): string | undefined {
  if (seconds === undefined) return `no ${what} of it`
  return seconds > liveSeconds ? `${what} after ${seconds.toFixed(0)} s` : undefined
}

type Known = (typeof dashboardFigures)['schema']['_output']

/**
 * The dashboard has to show what the server's proxy measured. Where nobody could ask that, the client's word has to do: it
 * never waited for less, and for more where it had to wait for itself.
 */
function comparedFigures({ shown, successRate, percentiles: own, atProxy }: Known): {
  wrong: string[]
  unclear: string[]
} {
  if (!shown) return { wrong: [], unclear: [] }
  const rate = shown.succeeded / (shown.succeeded + shown.failed)
  const asPercent = (share: number) => `${(share * 100).toFixed(1)} %`
  const wrongRate =
    Math.abs(rate - successRate) > rateTolerance
      ? [`a success rate of ${asPercent(rate)}, it was ${asPercent(successRate)}`]
      : []
  if (atProxy) {
    const outside = percentiles.filter((percentile) => !isWithin(shown[percentile], atProxy[percentile]))
    const inMs = ({ lower, upper }: { lower: number; upper: number }) =>
      `${milliseconds.format(lower)} to ${milliseconds.format(upper)} ms`
    return {
      wrong: [
        ...wrongRate,
        ...outside.map((one) => `a ${one} of ${shown[one]} ms, its proxy measured ${inMs(atProxy[one])}`),
      ],
      unclear: [],
    }
  }
  const apart = percentiles.filter((percentile) => compareLatency(shown[percentile], own[percentile]) !== 'near')
  const said = (percentile: Percentile) =>
    `a ${percentile} of ${shown[percentile]} ms, it was ${own[percentile].toFixed(2)} ms`
  return {
    wrong: [...wrongRate, ...apart.filter((one) => shown[one] > own[one]).map(said)],
    unclear: apart.filter((one) => shown[one] <= own[one]).map(said),
  }
}

export const tapShowsRequests = check({
  claim: 'OBS-54',
  fact: 'tap shows requests with headers, methods, paths and status codes',
  reads: { known: tappedRequests },
  population: 'known loads',
  atLeast: 1,
  expected: 'GET /echo of k6, answered with 200 and with 500',
  subjects: (read) => read.known,
  name: ({ metadata }) => ({ subject: metadata.name }),
  holds: ({ sent, requests, responses }) => {
    if (requests.length === 0) return `none of ${sent} requests is shown`
    const statuses = responses.map(({ status }) => status)
    const faults = [
      ...[200, 500].filter((status) => !statuses.includes(status)).map((status) => `no answer with ${status}`),
      ...(requests.every(({ method }) => method === 'GET') ? [] : ['a method other than GET']),
      ...(requests.every(({ path }) => path.startsWith('/echo')) ? [] : ['a path other than /echo']),
      ...(requests.some(({ headers }) => headers.includes('user-agent')) ? [] : ['no header of a request']),
    ]
    return faults.length === 0 || faults.join(', ')
  },
})
