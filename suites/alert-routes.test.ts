import { describe, expect, test } from 'vitest'
import { routingOf } from '../cluster/observers/alert-routing.ts'
import { isMatched, receiversOf } from './alert-routes.ts'

const { route, receivers } = routingOf(`
route:
  receiver: chat
  routes:
    - receiver: issues
      matchers: ['severity="critical"']
      continue: true
    - receiver: pager
      match: { severity: critical }
      match_re: { cluster: infra|apps }
    - receiver: nobody
      matchers: ['{severity="info",alertname=~"Watch.*"}']
receivers:
  - name: chat
    slack_configs: [{ channel: alerts, api_url: <secret> }]
  - name: issues
    webhook_configs: [{ url: <secret> }]
  - name: pager
    pagerduty_configs: []
    email_configs: [{ to: somebody }]
  - name: nobody
`)

test('what a configuration keeps is who is reached how, and no address', () => {
  expect(receivers).toEqual([
    { name: 'chat', channels: ['slack'] },
    { name: 'issues', channels: ['webhook'] },
    { name: 'pager', channels: ['email'] },
    { name: 'nobody', channels: [] },
  ])
})

describe('receivers of an alert', () => {
  test.each([
    [{ severity: 'critical', cluster: 'infra' }, ['issues', 'pager']],
    [{ severity: 'critical', cluster: 'elsewhere' }, ['issues']],
    [{ severity: 'warning' }, ['chat']],
    [{ severity: 'info', alertname: 'Watchdog' }, ['nobody']],
    [{ severity: 'info', alertname: 'Other' }, ['chat']],
  ])('%o', (labels, expected) => {
    expect(receiversOf(route, labels)).toEqual(expected)
  })
})

test.each([
  ['severity = critical', true],
  ['severity!="critical"', false],
  ['severity=~"crit.*|page"', true],
  ['severity=~"crit"', false],
  ['severity!~"warn.*"', true],
  ['missing=""', true],
  ['{severity="critical", note="a, b"}', true],
])('matcher %s', (matcher, expected) => {
  expect(isMatched(matcher, { severity: 'critical', note: 'a, b' })).toBe(expected)
})
