import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = dirname(dirname(import.meta.dirname));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'launcher-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function run(file: string, argv: readonly string[], env: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(file, argv, { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } });
  return { status, stdout, stderr };
}

/** An installation without a Node of its own, and without a build. */
function install(): string {
  mkdirSync(join(folder, 'sluice/bin'), { recursive: true });
  for (const name of ['sluice', 'start.cjs', 'kubectl-sluice']) copyFileSync(join(ROOT, 'bin', name), join(folder, 'sluice/bin', name));
  return join(folder, 'sluice/bin/sluice');
}

/** A folder for PATH with what the launcher needs, and a `node` that claims to have `version`. */
function pathWithNode(version?: string): string {
  const path = join(folder, 'path');
  mkdirSync(path);
  for (const name of ['sh', 'uname', 'readlink']) symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), join(path, name));
  if (version !== undefined) {
    writeFileSync(join(folder, 'claim.cjs'), `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`);
    writeFileSync(join(path, 'node'), `#!/bin/sh\nexec '${process.execPath}' --require '${join(folder, 'claim.cjs')}' "$@"\n`);
    chmodSync(join(path, 'node'), 0o755);
  }
  return path;
}

test('works through a symbolic link, from any folder and under other names', () => {
  symlinkSync(join(ROOT, 'bin/sluice'), join(folder, 'sluice'));
  symlinkSync(join(ROOT, 'bin/kubectl-sluice'), join(folder, 'kubectl-sluice'));
  symlinkSync('sluice', join(folder, 'again'));
  const { stdout } = run(join(ROOT, 'bin/sluice'), ['version']);
  expect(stdout).toMatch(/^sluice /);
  for (const name of ['sluice', 'again', 'kubectl-sluice']) expect(run(join(folder, name), ['version'])).toEqual({ status: 0, stdout, stderr: '' });
  expect(run('sh', ['-c', `cd '${ROOT}/bin' && sh sluice version`])).toEqual({ status: 0, stdout, stderr: '' });
  expect(run(join(folder, 'kubectl-sluice'), []).stdout).toContain('\n  kubectl sluice TOPIC COMMAND');
});

test('passes arguments and the exit code through as they are', () => {
  const { status, stderr } = run(join(ROOT, 'bin/sluice'), ['a b', '*', '$HOME']);
  expect(status).toBe(2);
  expect(stderr).toContain("'a b *'");
});

test('does not let NODE_OPTIONS load anything', () => {
  expect(run(join(ROOT, 'bin/sluice'), ['version'], { NODE_OPTIONS: '--require /nonexistent.js' })).toMatchObject({ status: 0, stderr: '' });
});

test('ends with 70 and says what is missing: a Node, a new one, the build', () => {
  const program = install();
  const path = pathWithNode();
  expect(run(program, [], { PATH: path })).toEqual({ status: 70, stdout: '', stderr: 'error: sluice needs Node 22 or newer, and there is no node in PATH\n' });
  rmSync(path, { recursive: true });
  expect(run(program, [], { PATH: pathWithNode('20.20.2') })).toEqual({
    status: 70, stdout: '', stderr: `error: sluice needs Node 22 or newer; this is 20.20.2 (${process.execPath})\n`,
  });
  rmSync(path, { recursive: true });
  expect(run(program, [], { PATH: pathWithNode('22.0.0') })).toEqual({
    status: 70, stdout: '', stderr: `error: sluice is not built: run "npm run build" in ${join(folder, 'sluice')}\n`,
  });
});
