import { toNumber } from './promql.ts'

/** `at`: when it was taken, in milliseconds since 1970, where the page says so. */
export type Sample = { name: string; labels: Record<string, string>; value: number; at?: number }

const quoted = '"(?:[^"\\\\]|\\\\.)*"'
const sampleLine = new RegExp(`^([a-zA-Z_:][\\w:]*)(?:\\{((?:[^"}]|${quoted})*)\\})?\\s+(\\S+)(?:\\s+(\\d{10,}))?`)
const labelPair = new RegExp(`([a-zA-Z_]\\w*)\\s*=\\s*(${quoted})`, 'g')

/** The samples of a page of metrics, in the format of Prometheus or of OpenMetrics, or, as a Linkerd proxy does, in both. */
export const parseMetrics = (page: string): Sample[] =>
  page.split('\n').flatMap((line) => {
    const [, name, labels = '', value, at] = sampleLine.exec(line) ?? []
    if (name === undefined || value === undefined) return []
    const pairs = [...labels.matchAll(labelPair)].map(([, key = '', text = '""']) => [key, unquoted(text)])
    const sample = { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: toNumber(value) }
    return [at === undefined ? sample : { ...sample, at: Number(at) }]
  })

const unquoted = (text: string) =>
  text.slice(1, -1).replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))

/**
 * How much the counters of the samples that are meant grew between two pages. One that is smaller than before began
 * again at zero, so what it shows now is the least that it grew.
 */
export function increase(
  before: readonly Sample[],
  after: readonly Sample[],
  isMeant: (sample: Sample) => boolean,
): number {
  const earlier = new Map(before.map((sample) => [keyOf(sample), sample.value]))
  return after.filter(isMeant).reduce((sum, sample) => {
    const old = earlier.get(keyOf(sample)) ?? 0
    return sum + (sample.value >= old ? sample.value - old : sample.value)
  }, 0)
}

const keyOf = ({ name, labels }: Sample) =>
  JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
