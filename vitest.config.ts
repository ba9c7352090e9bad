import { defineConfig } from 'vitest/config'

const notUnit = [
  '**/*.pair.test.ts',
  '**/*.lifecycle.test.ts',
  '**/*.live.test.ts',
  '**/*.drift.test.ts',
  'suites/conformance.test.ts',
  '**/node_modules/**',
]

/** unit: no cluster, no root. drifts: judged on the recorded golden snapshot. pair: on the standing pair, or one of its own. behaviour: breaks things on the pair and looks with probes, a minute for each; not part of `pnpm test`. lifecycle: builds and kills pairs, so none may stand. conformance: started by suites/main.ts. */
export default defineConfig({
  test: {
    pool: 'threads',
    allowOnly: false,
    passWithNoTests: false,
    taskTitleValueFormatTruncate: 120,
    expect: { requireAssertions: true },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['**/*.test.ts'], exclude: notUnit, testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'drifts',
          include: ['fixtures/drifts/**/*.drift.test.ts'],
          isolate: false,
          // Each takes milliseconds; a machine that builds a pair beside them makes them wait.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'pair',
          include: ['**/*.pair.test.ts'],
          globalSetup: ['fixtures/pair/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'behaviour',
          include: ['**/*.live.test.ts'],
          globalSetup: ['fixtures/pair/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 400_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'lifecycle',
          include: ['**/*.lifecycle.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 3_600_000,
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
