import { defineConfig } from 'vitest/config'

const notUnit = ['**/*.pair.test.ts', '**/*.drift.test.ts', 'suites/conformance.test.ts', '**/node_modules/**']

/** unit: no cluster, no root. drifts: judged on the recorded golden snapshot. pair: needs a standing pair. conformance: started by suites/main.ts. */
export default defineConfig({
  test: {
    pool: 'threads',
    allowOnly: false,
    passWithNoTests: false,
    taskTitleValueFormatTruncate: 120,
    expect: { requireAssertions: true },
    projects: [
      { extends: true, test: { name: 'unit', include: ['**/*.test.ts'], exclude: notUnit } },
      { extends: true, test: { name: 'drifts', include: ['fixtures/drifts/**/*.drift.test.ts'], isolate: false } },
      {
        extends: true,
        test: {
          name: 'pair',
          include: ['**/*.pair.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['suites/conformance.test.ts'],
          isolate: false,
          maxWorkers: 1,
          testTimeout: 60_000,
          expect: { requireAssertions: false },
        },
      },
    ],
  },
})
