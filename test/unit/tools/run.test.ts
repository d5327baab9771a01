import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { need, onCommand, run, spawnDetached, which } from '../../../src/tools/index.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('run', () => {
  test('passes input and arguments unchanged, and gives back both outputs and the code', async () => {
    const script = 'cat; printf "%s|" "$@"; printf problem >&2; exit 3';
    const result = await run(['sh', '-c', script, 'sh', '$(id) "a b"', '*'], { input: 'from outside\n', allowFailure: true });
    expect(result).toEqual({ stdout: 'from outside\n$(id) "a b"|*|', stderr: 'problem', exitCode: 3 });
  });

  test('gives an empty input where there is none', async () => {
    expect((await run(['cat'])).stdout).toBe('');
  });

  test('gives a clean environment: the C locale, administrators\' directories, nothing that changes what programs load', async () => {
    process.env['LD_DEBUG_OUTPUT'] = '/nowhere';
    try {
      const { stdout } = await run(['env'], { env: { EXTRA: 'yes' } });
      const names = stdout.split('\n').map((line) => line.split('=')[0]);
      expect(stdout).toContain('LC_ALL=C\n');
      expect(stdout).toMatch(/^PATH=.*\/usr\/sbin/m);
      expect(names).toContain('EXTRA');
      expect(names).not.toContain('LD_DEBUG_OUTPUT');
    } finally {
      delete process.env['LD_DEBUG_OUTPUT'];
    }
  });

  test('fails with the code and the words of the program', async () => {
    await expect(run(['sh', '-c', 'echo broken >&2; exit 4'])).rejects.toMatchObject({
      name: 'ToolError', code: 'SL2200', exitCode: 4, message: 'sh exited 4: broken', causes: ['broken'],
    });
  });

  test('says which signal ended it, also where failures are allowed', async () => {
    await expect(run(['sh', '-c', 'kill -KILL $$'], { allowFailure: true })).rejects.toThrow('sh was ended by SIGKILL');
  });

  test('ends a program that takes too long', async () => {
    await expect(run(['sleep', '60'], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'SL1124', reason: 'timeout', message: 'sleep did not end within 50 ms' });
  });

  test('refuses more output than it may keep', async () => {
    await expect(run(['head', '-c', '5000', '/dev/zero'], { maxBuffer: 1000 })).rejects.toThrow('its output is larger than 1000 bytes');
  });

  test('names the Debian package of a missing program', async () => {
    await expect(run(['ip6tables-missing'])).rejects.toMatchObject({ code: 'SL2201', reason: 'unsupported', hints: ['apt-get install iptables'] });
    expect(() => need('frobnicate')).toThrow('the program frobnicate is not installed');
  });

  test('says so when a program cannot be started', async () => {
    const path = join(folder, 'bad');
    writeFileSync(path, '#!/no/such/interpreter\n');
    chmodSync(path, 0o755);
    await expect(run([path])).rejects.toThrow(`${path} failed: it could not be started: ENOENT`);
    expect(() => spawnDetached([path])).toThrow('could not be started');
  });
});

describe('onCommand', () => {
  afterEach(() => onCommand(undefined));

  test('reports what is run, with the namespace, before it starts', async () => {
    const seen: (readonly string[])[] = [];
    onCommand((argv) => seen.push(argv));
    await run(['true']);
    await run(['true'], { netns: '/proc/self/ns/no-such', allowFailure: true });
    expect(seen).toEqual([['true'], ['nsenter', '--net=/proc/self/ns/no-such', '--', 'true']]);
  });
});

test('a detached program has a session of its own and writes to its file', async () => {
  const output = join(folder, 'output');
  const pid = spawnDetached(['sh', '-c', 'echo "$(cut -d" " -f6 /proc/$$/stat) $PWD"; echo problem >&2'], { output });
  await expect.poll(() => readFileSync(output, 'utf8')).toBe(`${pid} /\nproblem\n`);
});

test('programs are found by name or absolute path, and only files that can be run', () => {
  expect(which('sh')).toMatch(/^\/.*\/sh$/);
  expect(which('/bin/sh')).toBe('/bin/sh');
  expect(which('/etc/passwd')).toBeUndefined();
  expect(which('/etc')).toBeUndefined();
  expect(which('no-such-program')).toBeUndefined();
});
