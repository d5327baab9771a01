/** `npm test`: builds, checks types, lints and runs all tests; goes on after a failure, so that one run tells everything. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
}

const ROOT = dirname(import.meta.dirname);

function runAll(): Count {
  const checks = [
    check('build', ['node', 'bin/build.ts']),
    check('types', ['tsc', '-p', '.']),
    check('lint', ['oxlint', '--config', 'test/oxlint.json', 'src', 'test', 'bin']),
    runVitest(process.argv.slice(2)),
  ];
  return checks.reduce((sum, one) => ({
    passed: sum.passed + one.passed,
    failed: sum.failed + one.failed,
    skipped: sum.skipped + one.skipped,
  }));
}

/** A check without tests of its own counts as one. */
function check(name: string, argv: readonly string[]): Count {
  process.stdout.write(`\n== ${name}\n`);
  const ok = succeeds(argv);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

function runVitest(filters: readonly string[]): Count {
  process.stdout.write('\n== tests\n');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-report-'));
  const file = join(folder, 'report.json');
  try {
    const ok = succeeds(['vitest', 'run', '--config', 'test/vitest.config.ts', '--reporter=default', '--reporter=json', `--outputFile=${file}`, ...filters]);
    return countTests(JSON.parse(readFileSync(file, 'utf8')) as Report, ok);
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function countTests(report: Report, ok: boolean): Count {
  const skipped = report.testResults.flatMap((file) => file.assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed'));
  for (const { fullName } of skipped) process.stdout.write(`skipped: ${fullName}\n`);
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'));
  const failed = report.numFailedTests + broken.length;
  // A leak or an error outside any test fails the run without failing a test.
  return { passed: report.numPassedTests, failed: ok ? failed : Math.max(failed, 1), skipped: skipped.length };
}

const succeeds = ([file = '', ...args]: readonly string[]): boolean => spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;

const { passed, failed, skipped } = runAll();
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
