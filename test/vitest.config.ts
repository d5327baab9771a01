import { defineConfig } from 'vitest/config';

/** What each folder may take: kernel and e2e tests wait for timers and traffic. */
const TIMEOUTS_MS = { unit: 10_000, kernel: 60_000, e2e: 60_000, fuzz: 120_000 };

export default defineConfig({
  test: {
    root: import.meta.dirname,
    pool: 'forks',
    // Two cores are what the smallest machine of a pipeline has; more workers make waiting tests time out there.
    maxWorkers: 2,
    // Of tests that only wait, each in namespaces of its own, more run at once.
    maxConcurrency: 12,
    globalSetup: 'support/global-setup.ts',
    projects: Object.entries(TIMEOUTS_MS).map(([name, timeoutMs]) => ({
      extends: true as const,
      test: {
        name,
        root: import.meta.dirname,
        include: [`${name}/**/*.test.ts`],
        setupFiles: ['support/setup.ts'],
        testTimeout: timeoutMs,
        hookTimeout: timeoutMs,
        // The default of a second is short where two workers share a loaded machine.
        expect: { poll: { timeout: 15_000 } },
      },
    })),
  },
});
