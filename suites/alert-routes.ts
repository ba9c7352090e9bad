import type { Route } from '../cluster/kinds/alerting.ts'

const one = /^\s*"?([^"=!~\s]+)"?\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|(\S*))\s*$/

/** Whether a matcher of Alertmanager, such as `severity="critical"` or `{a="b",c=~"d.*"}`, lets an alert through. */
export function isMatched(matcher: string, labels: Record<string, string>): boolean {
  const inner = matcher.trim().replace(/^\{(.*)\}$/, '$1')
  return (inner.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? []).every((part) => {
    const [, label = '', sign = '=', quoted, bare = ''] = one.exec(part) ?? []
    if (label === '') throw new Error(`no matcher of Alertmanager: ${matcher}`)
    const wanted = quoted ?? bare
    const found = labels[label] ?? ''
    const isLike = sign.endsWith('~') ? new RegExp(`^(?:${wanted})$`).test(found) : found === wanted
    return sign.startsWith('!') ? !isLike : isLike
  })
}

/** The receivers that a tree of routes sends an alert to: the first route that fits at each level, and more where it goes on. */
export function receiversOf(route: Route, labels: Record<string, string>, inherited?: string): string[] {
  if (!route.matchers.every((matcher) => isMatched(matcher, labels))) return []
  const receiver = route.receiver ?? inherited
  const below: string[] = []
  for (const next of route.routes) {
    const found = receiversOf(next, labels, receiver)
    below.push(...found)
    if (found.length > 0 && !next.continue) break
  }
  if (below.length > 0) return [...new Set(below)]
  return receiver === undefined ? [] : [receiver]
}
