import { expect, test } from 'vitest'
import { parseMetrics } from '../cluster/clients/prometheus-text.ts'
import { costBetween, proxiesIn } from './costs.ts'
import { countIn, throttlingIn } from './evidence.ts'
import { compareLatency, knownQueries } from './known.ts'

const client = 'client_id="default.conformance-load.serviceaccount.identity.linkerd.cluster.local"'

test('requests that came in by mutual TLS are told from all that passed a proxy', () => {
  const page = [
    `request_total{direction="inbound",target_port="8080",tls="true",${client}} 40`,
    'request_total{direction="inbound",target_port="8080",tls="no_identity",client_id=""} 3',
    'request_total{direction="inbound",target_port="8080",route_name="probe",tls="no_identity"} 7',
    'request_total{direction="inbound",target_port="4191",tls="no_identity"} 9',
    'request_total{direction="outbound",dst_service="meshed",tls="true"} 5',
    'response_total{direction="inbound",target_port="8080",tls="true"} 40',
    'proxy_build_info{vendor="linkerd",version="2.294.0"} 1',
  ].join('\n')
  expect(countIn(parseMetrics(page))).toEqual({ secured: 40, any: 48, isStandIn: false })
  expect(countIn(parseMetrics('proxy_build_info{vendor="stand-in"} 1')).isStandIn).toBe(true)
})

test('throttling is read with the time at which the kubelet looked, by the id of a container or by its names', () => {
  const line = (labels: string, rest: string) => `container_cpu_cfs_throttled_periods_total{${labels}} ${rest}`
  const named = (namespace: string, pod: string) =>
    `container="server",id="/kubepods/x",image="i",name="n",namespace="${namespace}",pod="${pod}"`
  const nameless = (id: string) => `container="",id="${id}",image="",name="",namespace="",pod=""`
  const read = throttlingIn(
    [
      line(named('shop', 'plain-1'), '99 1795955164355'),
      line(named('conformance-load', 'plain-1'), '0'),
      line(nameless('/k8s.io/abc'), '12 1795955164355'),
      line(nameless('/kubepods.slice/cri-containerd-def.scope'), '7 1795955164355'),
    ].join('\n'),
  )
  const of = (pod: string, id: string) => read({ pod, container: 'server', id })
  expect(of('plain-1', '')).toEqual({ periods: 0, readAt: 0 })
  expect(of('meshed-1', 'abc')).toEqual({ periods: 12, readAt: 1_795_955_164_355 })
  expect(of('meshed-1', 'def')).toEqual({ periods: 7, readAt: 1_795_955_164_355 })
  expect([of('meshed-1', ''), of('meshed-1', 'ghi')]).toEqual([undefined, undefined])
})

test('the cost of proxies is the mean over those that were there before and after', () => {
  const page = (at: number, rows: [string, number, number][]) =>
    rows
      .flatMap(([pod, cpu, bytes]) => [
        `container_cpu_usage_seconds_total{container="linkerd-proxy",namespace="a",pod="${pod}"} ${cpu} ${at}`,
        `container_memory_working_set_bytes{container="linkerd-proxy",namespace="a",pod="${pod}"} ${bytes} ${at}`,
        `container_cpu_usage_seconds_total{container="app",namespace="a",pod="${pod}"} 900 ${at}`,
      ])
      .join('\n')
  const read = (at: number, rows: [string, number, number][]) => proxiesIn(parseMetrics(page(at, rows)), 0)
  const before = read(1_795_955_100_000, [
    ['one', 1, 5e6],
    ['two', 2, 5e6],
    ['restarted', 9, 5e6],
  ])
  const after = read(1_795_955_110_000, [
    ['one', 1.1, 10e6],
    ['two', 2.3, 20e6],
    ['restarted', 0.1, 5e6],
    ['new', 4, 5e6],
  ])
  const { cores, ...rest } = costBetween(before, after)
  expect(cores).toBeCloseTo(0.02)
  expect(rest).toEqual({ proxies: 2, seconds: 10, bytes: 15e6 })
  expect(() => costBetween(before, before)).toThrow('no proxy that was there before and after')
})

test('latencies are near when they lie in one bucket of the proxy or in neighbours', () => {
  const compared = [
    [1.2, 1.7],
    [2.1, 1.9],
    [45_000, 90_000],
    [3.6, 5.9],
    [10, 20.3],
    [2, 20.3],
    [12, 4],
  ] as const
  expect(compared.map(([byProxy, byClient]) => compareLatency(byProxy, byClient))).toEqual([
    'near',
    'near',
    'near',
    'near',
    'unclear',
    'apart',
    'apart',
  ])
  expect(knownQueries('cluster', 'apps', 'k6-1')['requests']).toBe(
    'sum(request_total{cluster="apps",namespace="conformance-load",pod="k6-1",direction="outbound",dst_service="known"})',
  )
})
