import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import type { HTTPGet } from '../http-forward.ts'
import { getDependencies, getTrace, pollTrace } from './jaeger.ts'
import { queryLogs } from './logs.ts'
import { increase, parseMetrics } from './prometheus-text.ts'
import { instantQuery, queryPaths } from './promql.ts'

const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

/** A server on loopback that answers request by request; the last answer is given again and again. */
async function answering(...answers: (readonly [status: number, body: unknown])[]): Promise<HTTPGet> {
  let count = 0
  const listener: RequestListener = (_, response) => {
    const [status, body] = answers[Math.min(count, answers.length - 1)] ?? [500, '']
    count += 1
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closing.push(() => server.close())
  const { port } = server.address() as AddressInfo
  return async (path, { signal }) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal })
    return { status: response.status, text: await response.text() }
  }
}

const soon = () => deadlineIn(5_000)
const [path] = queryPaths
const vector = (...result: unknown[]) => ({
  status: 'success',
  isPartial: false,
  data: { resultType: 'vector', result },
})

describe('a query to the metrics store', () => {
  const ask = async (...answer: readonly [number, unknown]) => instantQuery(await answering(answer), path, 'up', soon())

  test('is answered with series', async () => {
    expect(await ask(200, vector({ metric: { pod: 'a' }, value: [1, '0.5'] }, { metric: {}, value: [1, '+Inf'] })))
      .toMatchInlineSnapshot(`
      {
        "series": [
          {
            "labels": {
              "pod": "a",
            },
            "value": 0.5,
          },
          {
            "labels": {},
            "value": Infinity,
          },
        ],
        "state": "series",
      }
    `)
  })

  test('is answered by a single store, which does not speak of parts', async () => {
    const whole = { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [1, '1'] }] } }
    expect((await ask(200, whole)).state).toBe('series')
  })

  test('is answered, but there is no such series', async () => {
    expect(await ask(200, vector())).toMatchInlineSnapshot(`
      {
        "state": "empty",
      }
    `)
  })

  test('is answered in part', async () => {
    const partial = { ...vector({ metric: {}, value: [1, '1'] }), isPartial: true }
    expect(await ask(200, partial)).toMatchInlineSnapshot(`
      {
        "reason": "the store answered in part only: one of its storage nodes is missing",
        "state": "partial",
      }
    `)
  })

  test.each([
    [
      'the store refused the query (422): cannot parse "up{"',
      422,
      { status: 'error', errorType: '422', error: 'cannot parse "up{"' },
    ],
    ['the query was answered with 403: ', 403, ''],
    ['the query was answered with 404: {"standIn":"vmselect"}', 404, { standIn: 'vmselect' }],
    ['the answer is no vector of Prometheus: <html>Sign in</html>', 200, '<html>Sign in</html>'],
    [
      'the answer is no vector of Prometheus: {"data":{"resultType":"matrix"}}',
      200,
      { data: { resultType: 'matrix' } },
    ],
  ])('is refused: %s', async (reason, status, body) => {
    expect(await ask(status, body)).toEqual({ state: 'refused', reason })
  })

  test('reaches nobody', async () => {
    const nobody: HTTPGet = () => Promise.reject(new Error('nothing listens on infra (connection refused)'))
    expect(await instantQuery(nobody, path, 'up', soon())).toMatchInlineSnapshot(`
      {
        "reason": "nothing listens on infra (connection refused)",
        "state": "unreachable",
      }
    `)
  })
})

const page = [
  '# HELP request_total Total count of HTTP requests.',
  '# TYPE request_total counter',
  'request_total{direction="outbound",authority="echo.demo.svc.cluster.local:8080",tls="true",server_id="echo.demo.serviceaccount"} 4',
  'response_latency_ms_bucket{direction="inbound",le="1"} 3',
  'response_latency_ms_bucket{direction="inbound",le="+Inf"} 5',
  'quoted{path="C:\\\\dir",said="a \\"b\\", } c"} 1',
  'go_gc_duration_seconds 3.1534910995268106e+07',
  '# UNIT control_identity_cert_expiration_timestamp_seconds seconds',
  'control_identity_cert_expiration_timestamp_seconds 1795492457.0',
  'latency_bucket{le="5"} 7 # {trace_id="4bf9"} 0.67',
  'with_time 1 1795492457000',
  '# EOF',
  '',
].join('\n')

describe('a page of metrics', () => {
  test('is read in both formats, with buckets, floats and quotes', () => {
    expect(parseMetrics(page).map(({ name, labels, value }) => [name, labels, value])).toMatchInlineSnapshot(`
      [
        [
          "request_total",
          {
            "authority": "echo.demo.svc.cluster.local:8080",
            "direction": "outbound",
            "server_id": "echo.demo.serviceaccount",
            "tls": "true",
          },
          4,
        ],
        [
          "response_latency_ms_bucket",
          {
            "direction": "inbound",
            "le": "1",
          },
          3,
        ],
        [
          "response_latency_ms_bucket",
          {
            "direction": "inbound",
            "le": "+Inf",
          },
          5,
        ],
        [
          "quoted",
          {
            "path": "C:\\dir",
            "said": "a "b", } c",
          },
          1,
        ],
        [
          "go_gc_duration_seconds",
          {},
          31534910.995268106,
        ],
        [
          "control_identity_cert_expiration_timestamp_seconds",
          {},
          1795492457,
        ],
        [
          "latency_bucket",
          {
            "le": "5",
          },
          7,
        ],
        [
          "with_time",
          {},
          1,
        ],
      ]
    `)
  })

  const counter = (value: number, id = 'a') => `request_total{client_id="${id}"} ${value}`
  const grown = (before: string, after: string) => increase(parseMetrics(before), parseMetrics(after), () => true)

  test('shows what was added, also by a series that was not there before', () => {
    expect(grown(counter(4), [counter(24), counter(3, 'b')].join('\n'))).toBe(23)
  })
  test('shows the least that was added when a counter began again', () => {
    expect(grown(counter(400), counter(20))).toBe(20)
  })
  test('shows nothing of a series that is gone', () => {
    expect(grown([counter(4), counter(9, 'b')].join('\n'), counter(4))).toBe(0)
  })
})

const span = (spanID: string, parent: string, processID: string, direction: string) => ({
  traceID: '0af7651916cd43dd8448eb211c80319c',
  spanID,
  operationName: '/sampled',
  references: [{ refType: 'CHILD_OF', traceID: '0af7651916cd43dd8448eb211c80319c', spanID: parent }],
  startTime: 1_795_407_057_956_226,
  duration: 1_696,
  tags: [{ key: 'direction', type: 'string', value: direction }],
  logs: [],
  processID,
  warnings: null,
})
const process = (name: string) => ({
  serviceName: 'linkerd-proxy',
  tags: [
    { key: 'host.name', type: 'string', value: name },
    { key: 'process.pid', type: 'int64', value: 1 },
  ],
})
const traceOf = (...spans: unknown[]) => ({
  data: [
    {
      traceID: '0af7651916cd43dd8448eb211c80319c',
      spans,
      processes: { p1: process('echo'), p2: process('client') },
      warnings: null,
    },
  ],
  total: 0,
  limit: 0,
  offset: 0,
  errors: null,
})
const outbound = span('1a3e708fabb93209', 'b7ad6b7169203331', 'p2', 'outbound')
const inbound = span('ba30a74eb0e4ed51', '1a3e708fabb93209', 'p1', 'inbound')
const notFound = { data: null, total: 0, limit: 0, offset: 0, errors: [{ code: 404, msg: 'trace not found' }] }
const otlp = {
  result: {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'linkerd-proxy' } }] },
        scopeSpans: [
          {
            scope: {},
            spans: [
              {
                traceId: '0af7651916cd43dd8448eb211c80319c',
                spanId: '1a3e708fabb93209',
                name: '/sampled',
                kind: 2,
                startTimeUnixNano: '1795407057956226000',
                endTimeUnixNano: '1795407057957922000',
                attributes: [
                  { key: 'direction', value: { stringValue: 'outbound' } },
                  { key: 'process.pid', value: { intValue: '1' } },
                ],
              },
            ],
          },
        ],
      },
    ],
  },
}

describe('a trace', () => {
  const ask = async (...answers: (readonly [number, unknown])[]) => getTrace(await answering(...answers), '0af', soon())

  test('is read from Jaeger 1', async () => {
    expect(await ask([200, traceOf(inbound, outbound)])).toMatchInlineSnapshot(`
      {
        "spans": [
          {
            "durationUs": 1696,
            "id": "ba30a74eb0e4ed51",
            "name": "/sampled",
            "parent": "1a3e708fabb93209",
            "service": "linkerd-proxy",
            "start": 1795407057956226,
            "tags": {
              "direction": "inbound",
              "host.name": "echo",
              "process.pid": "1",
            },
          },
          {
            "durationUs": 1696,
            "id": "1a3e708fabb93209",
            "name": "/sampled",
            "parent": "b7ad6b7169203331",
            "service": "linkerd-proxy",
            "start": 1795407057956226,
            "tags": {
              "direction": "outbound",
              "host.name": "client",
              "process.pid": "1",
            },
          },
        ],
        "state": "found",
      }
    `)
  })
  test('is read from Jaeger 2 by the API that it kept', async () => {
    expect(await ask([404, '404 page not found'], [200, otlp])).toMatchInlineSnapshot(`
      {
        "spans": [
          {
            "durationUs": 1696,
            "id": "1a3e708fabb93209",
            "name": "/sampled",
            "service": "linkerd-proxy",
            "start": 1795407057956226,
            "tags": {
              "direction": "outbound",
              "process.pid": "1",
              "service.name": "linkerd-proxy",
            },
          },
        ],
        "state": "found",
      }
    `)
  })
  test('is not there, or not yet', async () => {
    expect(await ask([404, notFound])).toEqual({ state: 'none' })
    expect(await ask([404, 'gone'], [404, { error: { httpCode: 404, message: 'trace not found' } }])).toEqual({
      state: 'none',
    })
  })
  test('is refused in words that name what answered', async () => {
    expect(await ask([403, ''])).toMatchInlineSnapshot(`
      {
        "reason": "Jaeger answered 403: ",
        "state": "refused",
      }
    `)
    expect(await ask([404, { standIn: 'jaeger' }])).toMatchInlineSnapshot(`
      {
        "reason": "Jaeger answered 404: {"standIn":"jaeger"}",
        "state": "refused",
      }
    `)
    expect(await ask([200, '<html>'])).toMatchInlineSnapshot(`
      {
        "reason": "Jaeger answered with something that is no trace: <html>",
        "state": "refused",
      }
    `)
  })
  test('cannot be asked for', async () => {
    const nobody: HTTPGet = () => Promise.reject(new Error('Service observability/jaeger-query is not found'))
    expect(await getTrace(nobody, '0af', soon())).toMatchInlineSnapshot(`
      {
        "reason": "Service observability/jaeger-query is not found",
        "state": "unreachable",
      }
    `)
  })
})

describe('a trace that is waited for', () => {
  const poll = (...answers: (readonly [number, unknown])[]) => pollFor(300, ...answers)
  const pollFor = async (patienceMs: number, ...answers: (readonly [number, unknown])[]) => {
    const missing = (spans: readonly unknown[]) => (spans.length >= 2 ? undefined : 'none of a proxy on infra')
    const get = await answering(...answers)
    const { state, spans, detail } = await pollTrace(get, '0af', {
      missing,
      deadline: deadlineIn(patienceMs),
      pauseMs: 20,
    })
    return `${state}: ${spans.length} spans (${detail})`
  }

  test('is complete when it did not grow any more', async () => {
    expect(
      await pollFor(30_000, [404, notFound], [200, traceOf(outbound)], [200, traceOf(outbound, inbound)]),
    ).toMatchInlineSnapshot(`"complete: 2 spans (2 spans, twice the same)"`)
  })
  test('is partial as long as a hop is missing', async () => {
    expect(await poll([200, traceOf(outbound)])).toMatchInlineSnapshot(
      `"partial: 1 spans (1 spans, but none of a proxy on infra)"`,
    )
  })
  test('is unstable while spans still arrive', async () => {
    const growing = Array.from(
      { length: 40 },
      (_, index) => [200, traceOf(...Array.from({ length: index + 2 }, () => inbound))] as const,
    )
    expect((await poll(...growing)).replace(/\d+/g, 'N')).toMatchInlineSnapshot(
      `"unstable: N spans (there were still more spans coming: N at last)"`,
    )
  })
  test('is none when Jaeger never had a span', async () => {
    expect(await poll([404, notFound])).toMatchInlineSnapshot(`"none: 0 spans (Jaeger has no span of it)"`)
  })
  test('failed when Jaeger refuses', async () => {
    expect(await poll([403, ''])).toMatchInlineSnapshot(`"failed: 0 spans (Jaeger answered 403: )"`)
  })
})

describe('the dependency map', () => {
  test('may be empty', async () => {
    expect(await getDependencies(await answering([200, { data: [] }]), 0, soon())).toEqual([])
    expect(await getDependencies(await answering([200, { data: null }]), 0, soon())).toEqual([])
  })
  test('is not there', async () => {
    await expect(
      getDependencies(await answering([501, 'not implemented']), 0, soon()),
    ).rejects.toThrowErrorMatchingInlineSnapshot(`[Error: Jaeger answered 501: not implemented]`)
  })
})

describe('a search for log entries', () => {
  const search = async (...answer: readonly [number, unknown]) => queryLogs(await answering(answer), '*', 10, soon())

  test('finds entries, one a line', async () => {
    expect(await search(200, '{"_msg":"a","kubernetes.pod_name":"p"}\n{"_msg":"b"}\n')).toMatchInlineSnapshot(`
      [
        {
          "_msg": "a",
          "kubernetes.pod_name": "p",
        },
        {
          "_msg": "b",
        },
      ]
    `)
  })
  test('finds none', async () => {
    expect(await search(200, '')).toEqual([])
  })
  test('is refused', async () => {
    await expect(search(403, '')).rejects.toThrowErrorMatchingInlineSnapshot(`[Error: the log store answered 403: ]`)
    await expect(search(400, 'cannot parse query')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: the log store answered 400: cannot parse query]`,
    )
    await expect(search(200, '<html>Sign in</html>')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: the log store answered with a line that is no entry: <html>Sign in</html>]`,
    )
  })
})
