/**
 * What a test needs of the machine. Being without it fails the test, with what to do: a skip that nobody sees would let a
 * feature rot. `SLUICE_TEST_UNPRIVILEGED=1` is the exception for machines without root; then such tests are skipped, named
 * and counted by `npm test`.
 *
 * Call them at the top of a test or in a hook.
 */

import { release } from 'node:os';
import { beforeEach, TestRunner } from 'vitest';
import { which } from '../../src/tools/index.ts';

let missingInFile: string | undefined;

// Registered while the test file is read, so it comes before the file's own hooks.
beforeEach((context) => context.skip(missingInFile !== undefined, missingInFile));

/** The test changes namespaces, rules or programs of the kernel. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) refuse('this test needs root: run it with sudo, or set SLUICE_TEST_UNPRIVILEGED=1 to skip it');
}

/** The test needs a feature that the kernel has since `version` (`6.4`). */
export function requireKernel(version: string, feature: string): void {
  if (compareVersions(release(), version) < 0) refuse(`this test needs ${feature}, in Linux since ${version}; this is ${release()}`);
}

/** The test runs another program. */
export function requireTool(name: string): void {
  if (which(name) === undefined) refuse(`this test needs the program ${name}: run bin/setup`);
}

function refuse(what: string): void {
  if (process.env['SLUICE_TEST_UNPRIVILEGED'] !== '1') throw new Error(what);
  const test = TestRunner.getCurrentTest();
  if (test !== undefined) test.context.skip(what);
  missingInFile = what;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  return left[0] - right[0] || left[1] - right[1];
}

function numbers(version: string): [number, number] {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  return [major, minor];
}
