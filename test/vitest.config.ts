import { defineConfig } from 'vitest/config';

/** What each folder may take: kernel and e2e tests wait for timers and traffic. */
const TIMEOUTS_MS = { unit: 10_000, kernel: 60_000, e2e: 60_000, fuzz: 120_000 };
/** Changes what the whole machine has, so that it would disturb others: it comes after them. */
const ALONE = 'e2e/busy-node.test.ts';

const project = (name: string, include: string, timeoutMs: number) => ({
  extends: true as const,
  test: {
    name,
    root: import.meta.dirname,
    include: [include],
    setupFiles: ['support/setup.ts'],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    // The default of a second is short where two workers share a loaded machine.
    expect: { poll: { timeout: 15_000 } },
  },
});

const folders = Object.entries(TIMEOUTS_MS).map(([name, timeoutMs]) => project(name, `${name}/**/*.test.ts`, timeoutMs));
const alone = project('alone', ALONE, TIMEOUTS_MS.e2e);

export default defineConfig({
  test: {
    root: import.meta.dirname,
    pool: 'forks',
    // Two cores are what the smallest machine of a pipeline has; more workers make waiting tests time out there.
    maxWorkers: 2,
    // Of tests that only wait, each in namespaces of its own, more run at once.
    maxConcurrency: 12,
    globalSetup: 'support/global-setup.ts',
    projects: [
      ...folders.map((one) => ({ ...one, test: { ...one.test, exclude: [ALONE] } })),
      { ...alone, test: { ...alone.test, sequence: { groupOrder: 1 } } },
    ],
  },
});
