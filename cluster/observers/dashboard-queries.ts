const spans: Record<string, string> = {
  __rate_interval: '5m',
  __interval: '1m',
  __range: '1h',
}
const variable = String.raw`(?:\$\{?(\w+)(?::\w+)?\}?|\[\[(\w+)\]\])`

/**
 * The query of a panel as it can be asked without its reader: usual spans, and every value of a variable that selects
 * series. Undefined where a variable is anything else, such as the name of a metric.
 */
export function askableQuery(expression: string | undefined): string | undefined {
  if (expression === undefined || expression.trim() === '') return undefined
  const withSpans = expression.replaceAll(new RegExp(variable, 'g'), (text, first: string, second: string) => {
    return spans[first ?? second] ?? text
  })
  // A label that is compared with nothing but a variable may have any value.
  const query = withSpans.replaceAll(new RegExp(`(?<!!)(?:=~|=)\\s*"${variable}"`, 'g'), '=~".*"')
  return new RegExp(variable).test(query) ? undefined : query
}
