import { describe, expect, test } from 'vitest'
import { deadlineIn } from '../../check/deadline.ts'
import type { Answer, Connection } from '../connection.ts'
import { parseMetrics } from '../clients/prometheus-text.ts'
import type { HTTPGet } from '../http-forward.ts'
import { getFromService } from '../http-forward.ts'
import { openStore } from './metrics-store.ts'
import { compared } from './own-request-metrics.ts'
import { missingHop, newContext, ownersOf, tracedSpan } from './own-trace.ts'
import { parseAnswer } from './probe-http.ts'

const soon = () => deadlineIn(2_000)

describe('the metrics store', () => {
  const empty = '{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[]}}'
  const one = empty.replace('[]', '[{"metric":{},"value":[1,"1"]}]')
  const store =
    (answer: (path: string, expression: string) => Answer): HTTPGet =>
    (path) => {
      const url = new URL(path, 'http://store')
      return Promise.resolve(answer(url.pathname, url.searchParams.get('query') ?? ''))
    }
  const open = (answer: (path: string, expression: string) => Answer) => openStore(store(answer), soon())

  test('is one of a cluster, or a single one', async () => {
    const single = await open((path) =>
      path.startsWith('/select/') ? { status: 400, text: 'unsupported path requested' } : { status: 200, text: one },
    )
    expect(await single('up')).toEqual([{ labels: {}, value: 1 }])
  })
  test('has no series, which is an answer', async () => {
    const ask = await open((_, query) => ({ status: 200, text: query === 'vector(1)' ? one : empty }))
    expect(await ask('gateway_alive')).toEqual([])
  })
  test('answers in part, so that nothing of it is used', async () => {
    const ask = await open((_, query) => ({
      status: 200,
      text: query === 'vector(1)' ? one : one.replace('"isPartial":false', '"isPartial":true'),
    }))
    await expect(ask('up')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: the metrics store on infra did not answer up: the store answered in part only: one of its storage nodes is missing]`,
    )
  })
  test('is another program', async () => {
    await expect(
      open(() => ({ status: 404, text: '{"standIn":"vmselect"}' })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: the metrics store on infra answers no query: /select/0/prometheus/api/v1/query: the query was answered with 404: {"standIn":"vmselect"}; /prometheus/api/v1/query: the query was answered with 404: {"standIn":"vmselect"}]`,
    )
  })
})

describe('a Service through the API server', () => {
  const jaeger = { namespace: 'observability', name: 'jaeger-query', port: 16_686 }
  const connection = (answer: Answer) =>
    ({
      context: 'infra',
      get: (path: string) => Promise.resolve(path.includes('/proxy/') ? answer : { status: 200, text: '{}' }),
    }) as unknown as Connection
  const ask = (answer: Answer) => getFromService(connection(answer), jaeger)('/api/services', soon())
  const status = (code: number, message: string) => ({
    status: code,
    text: JSON.stringify({ kind: 'Status', message }),
  })

  test('gives whatever the program says', async () => {
    expect(await ask({ status: 404, text: '404 page not found' })).toEqual({ status: 404, text: '404 page not found' })
  })
  test('is not there', async () => {
    await expect(ask(status(404, 'services "jaeger-query" not found'))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TransportError: Service observability/jaeger-query:16686 on infra: services "jaeger-query" not found]`,
    )
  })
  test('refuses clients without an identity, and cannot be reached past its proxy either', async () => {
    await expect(ask({ status: 403, text: '' })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TransportError: Service observability/jaeger-query:16686 on infra: a proxy in front of it refuses unmeshed clients (403); by port-forward: its endpoints could not be read (200)]`,
    )
  })
  test('may not be asked', async () => {
    await expect(ask(status(403, 'services "jaeger-query" is forbidden'))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TransportError: Service observability/jaeger-query:16686 on infra: services "jaeger-query" is forbidden; by port-forward: its endpoints could not be read (200)]`,
    )
  })
})

describe('counters of own requests', () => {
  const probe = 'default.conformance-probes.serviceaccount.identity.linkerd.cluster.local'
  const out = (pod: string, count: number, tls = `tls="true",server_id="${probe}"`) =>
    `request_total{direction="outbound",dst_service="meshed",dst_pod="${pod}",${tls}} ${count}`
  const into = (count: number, tls = `tls="true",client_id="${probe}"`) =>
    `request_total{direction="inbound",target_port="8080",${tls},route_name="default"} ${count}`
  const pages = (texts: Record<string, string[]>) =>
    Object.entries(texts).map(([pod, lines]) => ({ pod, samples: parseMetrics(lines.join('\n')) }))

  test('are those of both ends, without what the client sent to itself', () => {
    const before = pages({ a: [out('b', 100)], b: [into(100)], c: [] })
    const after = pages({ a: [out('b', 107), out('c', 7), out('a', 7)], b: [into(107)], c: [into(7)] })
    expect(compared('a', before, after, 21)).toMatchInlineSnapshot(`
      [
        {
          "metadata": {
            "name": "outbound",
          },
          "peers": [
            "default.conformance-probes.serviceaccount.identity.linkerd.cluster.local",
          ],
          "pods": [
            "a",
          ],
          "secured": 14,
          "sent": 14,
          "unsecured": 0,
        },
        {
          "metadata": {
            "name": "inbound",
          },
          "peers": [
            "default.conformance-probes.serviceaccount.identity.linkerd.cluster.local",
          ],
          "pods": [
            "b",
            "c",
          ],
          "secured": 14,
          "sent": 14,
          "unsecured": 0,
        },
      ]
    `)
  })
  test('do not count one-way TLS, plain text, probes of the kubelet and what was there before', () => {
    const before = pages({ a: [out('b', 50)], b: [into(50)] })
    const after = pages({
      a: [out('b', 50), out('b', 21, 'tls="no_identity",no_tls_reason="not_provided_by_service_discovery"')],
      b: [
        into(50),
        into(14, 'tls="true",client_id=""'),
        into(7, 'tls="no_identity",no_tls_reason="no_tls_from_remote"'),
        `request_total{direction="inbound",target_port="8080",tls="no_identity",route_name="probe"} 9`,
      ],
    })
    expect(compared('a', before, after, 21)).toMatchInlineSnapshot(`
      [
        {
          "metadata": {
            "name": "outbound",
          },
          "peers": [
            "default.conformance-probes.serviceaccount.identity.linkerd.cluster.local",
            "none (tls="no_identity", not_provided_by_service_discovery)",
          ],
          "pods": [
            "a",
          ],
          "secured": 0,
          "sent": 21,
          "unsecured": 21,
        },
        {
          "metadata": {
            "name": "inbound",
          },
          "peers": [
            "default.conformance-probes.serviceaccount.identity.linkerd.cluster.local",
            "none (tls="true", no reason)",
            "none (tls="no_identity", no_tls_from_remote)",
          ],
          "pods": [
            "b",
          ],
          "secured": 0,
          "sent": 21,
          "unsecured": 21,
        },
      ]
    `)
  })
  test('that began again count from zero', () => {
    const [end] = compared('a', pages({ a: [out('b', 400)], b: [] }), pages({ a: [out('b', 21)], b: [] }), 21)
    expect(end).toMatchObject({ sent: 21, secured: 21 })
  })
})

describe('spans', () => {
  const owners = ownersOf([
    { uid: 'u1', owner: { cluster: 'infra', pod: 'meshed-r-1' } },
    { uid: 'u2', owner: { cluster: 'apps', pod: 'meshed-r-1' } },
    { uid: undefined, owner: { cluster: 'infra', pod: 'linkerd-gateway-x1' } },
  ])
  const clusterOf = (tags: Record<string, string>) =>
    tracedSpan({ id: 'a', service: 'linkerd-proxy', name: '/', start: 0, durationUs: 1, tags }, owners).cluster

  test('belong to a cluster by the uid of their pod, or by a name that only one cluster has', () => {
    expect(clusterOf({ 'k8s.pod.uid': 'u2', 'host.name': 'meshed-r-1' })).toBe('apps')
    expect(clusterOf({ 'host.name': 'linkerd-gateway-x1' })).toBe('infra')
    expect(clusterOf({ 'host.name': 'meshed-r-1' })).toBeUndefined()
    expect(clusterOf({})).toBeUndefined()
  })

  test('of both ends are expected', () => {
    const at = (cluster: 'infra' | 'apps', direction: string) => ({
      id: 'a',
      service: '',
      name: '',
      start: 0,
      durationUs: 0,
      cluster,
      direction,
    })
    expect(missingHop([])).toMatchInlineSnapshot(
      `"none of the proxy on apps that sent the request and none of a proxy on infra that took it"`,
    )
    expect(missingHop([at('apps', 'outbound'), at('infra', 'outbound')])).toMatchInlineSnapshot(
      `"none of a proxy on infra that took it"`,
    )
    expect(missingHop([at('apps', 'outbound'), at('infra', 'inbound')])).toBeUndefined()
  })

  test('are asked for, or not, by the last field of the context', () => {
    expect(newContext(true).header).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(newContext(false).header).toMatch(/-00$/)
  })
})

test('an answer is whole when its length says so, or at the end of its connection', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\n\r\n'
  expect(parseAnswer(`${head}hell`, false)).toBeUndefined()
  expect(parseAnswer(`${head}hello`, false)).toEqual({ status: 200, text: 'hello' })
  expect(parseAnswer('HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n', false)).toEqual({
    status: 504,
    text: '',
  })
  expect(parseAnswer('HTTP/1.1 200 OK\r\n\r\nhel', false)).toBeUndefined()
  expect(parseAnswer('HTTP/1.1 200 OK\r\n\r\nhel', true)).toEqual({ status: 200, text: 'hel' })
  expect(parseAnswer('nc: connection refused', true)).toBeUndefined()
})
