import { expect, test } from 'vitest'
import { askableQuery } from './dashboard-queries.ts'

test.each([
  ['up', 'up'],
  ['rate(x[$__rate_interval])', 'rate(x[5m])'],
  ['rate(x[${__interval}]) / $__range_s', undefined],
  ['increase(x[$__range])', 'increase(x[1h])'],
  ['sum(x{cluster=~"$cluster",pod="${pod:regex}"})', 'sum(x{cluster=~".*",pod=~".*"})'],
  ['x{namespace=~"[[namespace]]"}', 'x{namespace=~".*"}'],
  ['x{namespace!="$namespace"}', undefined],
  ['$metric{a="b"}', undefined],
  ['x{a="b$"}', 'x{a="b$"}'],
  ['  ', undefined],
  [undefined, undefined],
])('%s is asked as %s', (expression, expected) => {
  expect(askableQuery(expression)).toBe(expected)
})
