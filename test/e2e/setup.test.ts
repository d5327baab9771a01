import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = dirname(dirname(import.meta.dirname));

/** What the script itself runs. */
const SHELL_TOOLS = ['sh', 'dirname', 'cmp', 'cp', 'mkdir', 'rm'];
/** Programs that it looks for. */
const WANTED = ['clang', 'llvm-strip', 'iptables-legacy', 'nft', 'ip', 'nsenter', 'mount', 'sysctl', 'tcpdump'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'path'));
  copyFileSync(join(ROOT, 'bin/setup'), join(folder, 'bin/setup'));
  writeFileSync(join(folder, 'package-lock.json'), 'one');
  for (const name of SHELL_TOOLS) symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), join(folder, 'path', name));
  program('id', 'echo 1000');
  program('npm', 'echo "$@" >> npm.log; rm -rf node_modules; mkdir node_modules; [ ! -e broken ]');
});

afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(folder, 'path', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'path', name), 0o755);
}

function setUp(): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('sh', [join(folder, 'bin/setup')], { encoding: 'utf8', env: { PATH: join(folder, 'path') } });
  return { status, stdout, stderr };
}

const npmRuns = (): string[] => (existsSync(join(folder, 'npm.log')) ? readFileSync(join(folder, 'npm.log'), 'utf8').trim().split('\n') : []);

test('names every missing package and the command that installs them, and stops with 6', () => {
  const { status, stdout, stderr } = setUp();
  expect({ status, stdout }).toEqual({ status: 6, stdout: '' });
  expect(stderr).toMatch(/^error: .* missing:.* clang llvm\b/);
  expect(stderr).toMatch(/\n {2}try: {3}sudo apt-get update && sudo apt-get install -y --no-install-recommends clang llvm\b/);
  expect(npmRuns()).toEqual([]);
});

test('installs npm packages once for each lock file, and again after an interruption', () => {
  for (const name of WANTED) program(name, ':');
  writeFileSync(join(folder, 'broken'), '');
  expect(setUp().status).not.toBe(0);
  rmSync(join(folder, 'broken'));
  expect(setUp()).toEqual({ status: 0, stdout: '', stderr: 'Installing npm packages\n' });
  expect(npmRuns()).toHaveLength(2);
  expect(npmRuns()[1]).toMatch(/^ci .*--ignore-scripts/);
  expect(setUp()).toEqual({ status: 0, stdout: '', stderr: '' });
  writeFileSync(join(folder, 'package-lock.json'), 'two');
  expect(setUp().status).toBe(0);
  expect(setUp().stderr).toBe('');
  expect(npmRuns()).toHaveLength(3);
});
