import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileSystemWriter } from 'allure-js-commons/sdk/reporter'
import { descriptionOf, labelsOf, linksOf, messageOfResult, parametersOf } from './allure-result.ts'
import { statusOf, subjectsTable } from './allure-result.ts'
import type { DocumentShown, Place } from './allure-result.ts'
import { emptyResult, identified } from './allure-unjudged.ts'
import type { Judged } from './judged.ts'

export type Picture = { name: string; svg: string }

/** Shows results that were judged without vitest, each with what was looked at, and with pictures of it. */
export async function writeJudged(
  all: readonly (Judged & { pictures?: readonly Picture[] })[],
  { resultsDir, document }: { resultsDir: string; document: DocumentShown },
): Promise<void> {
  await mkdir(resultsDir, { recursive: true })
  const writer = new FileSystemWriter({ resultsDir })
  for (const { result, claim, chapter, subjects, pictures = [] } of all) {
    const place: Place = { document, chapter, claim, cluster: result.cluster, outcome: result.outcome }
    const attach = (name: string, text: string, ending: string, type: string) => {
      const source = `${randomUUID()}-attachment.${ending}`
      writer.writeAttachment(source, Buffer.from(text))
      return { name, source, type }
    }
    const table = `all ${subjects.length} ${result.population} that were looked at`
    writer.writeResult(
      identified({
        ...emptyResult(),
        name: `${claim.id}  ${result.fact}`,
        fullName: result.check,
        titlePath: [chapter],
        description: descriptionOf(place, result),
        labels: labelsOf(place),
        links: linksOf(place),
        parameters: parametersOf(result),
        ...statusOf(result.outcome),
        statusDetails: messageOfResult(result, claim),
        attachments: [
          ...(subjects.length === 0 ? [] : [attach(table, subjectsTable(subjects), 'csv', 'text/csv')]),
          ...pictures.map(({ name, svg }) => attach(name, svg, 'svg', 'image/svg+xml')),
        ],
      }),
    )
  }
}

/** Figures for Allure's tab of metrics, which keeps them from run to run; `key` names one for good. */
export async function writeMetrics(
  metrics: readonly { key: string; value: number }[],
  { resultsDir, start, stop }: { resultsDir: string; start: number; stop: number },
): Promise<void> {
  await mkdir(resultsDir, { recursive: true })
  const all = metrics.map(({ key, value }) => ({ id: key, key, value, start, stop }))
  await writeFile(join(resultsDir, `${randomUUID()}-perf.json`), JSON.stringify(all))
}
