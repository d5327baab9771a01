import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { visibleCommands } from '../../bin/man.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { requireRoot } from '../support/require.ts';
import { sluice, sluiceCommand, sluiceEnvironment } from '../support/sluice.ts';

const ESCAPE = '\u001b';

const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 192.0.2.0/24 -j DROP
COMMIT
`;

let folder: string;
let dump: string;
let env: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  dump = join(folder, 'rules.v4');
  writeFileSync(dump, DUMP);
  env = { SLUICE_STATE_DIR: join(folder, 'state'), SLUICE_RUN_DIR: join(folder, 'run'), HOME: folder };
});

afterAll(() => rmSync(folder, { recursive: true }));

const run = async (...argv: string[]): ReturnType<typeof sluice> => await sluice(argv, { env });

/** Starts sluice without waiting; its input stays open until the test ends. */
function start(...argv: string[]): ChildProcess {
  const [file = '', ...args] = sluiceCommand(argv);
  const child = spawn(file, args, { env: sluiceEnvironment(env), stdio: ['pipe', 'ignore', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs a line of shell in which `$sluice` is the program. */
function shell(line: string): { stdout: string; status: number | null } {
  return spawnSync('bash', ['-c', line], { encoding: 'utf8', env: sluiceEnvironment({ ...env, sluice: sluiceCommand([])[0]!, dump }) });
}

/** A question whose answer is yes for port 22 and no for any other. */
const packet = (port: number): string[] =>
  ['iptables', 'test', '-f', dump, '--proto', 'tcp', '--from', '192.0.2.1:40000', '--to', `10.0.0.1:${port}`, '--hook', 'local-in', '--in', 'eth0'];

describe('help', () => {
  test('alone names every topic and command', async () => {
    const { stdout, stderr, exitCode } = await run();
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    for (const { id } of await visibleCommands()) expect(stdout).toMatch(new RegExp(`^  ${id.split(':')[0]} +\\S`, 'm'));
    expect((await run('help')).stdout).toBe(stdout);
    expect((await run('--help')).stdout).toBe(stdout);
  });

  test('of every command shows its summary, flags and examples', async () => {
    for (const { id, summary = '', flags } of await visibleCommands()) {
      const { stdout, exitCode } = await run(...id.split(':'), '--help');
      expect(exitCode, id).toBe(0);
      expect(stdout).toContain(summary);
      expect(stdout).toContain('EXAMPLES\n');
      expect(Object.values(flags).filter(({ name, hidden }) => hidden !== true && !stdout.includes(`--${name}`)), id).toEqual([]);
    }
  });

  test('of a topic lists its commands, by its alias too', async () => {
    const { stdout } = await run('iptables', '--help');
    expect(stdout).toMatch(/^ {2}iptables list +\S/m);
    expect((await run('ipt')).stdout).toBe(stdout);
    expect((await run('help', 'iptables')).stdout).toBe(stdout);
  });

  test('explains every exit code and an error code', async () => {
    const { stdout } = await run('help', 'exit-codes');
    for (const { code } of EXIT_CODES) expect(stdout).toMatch(new RegExp(`^  ${code} +\\S`, 'm'));
    expect((await run('help', 'SL1001')).stdout).toMatch(/^SL1001 /);
  });

  test('names the program as it was called', async () => {
    const { stdout } = await sluice(['iptables', 'list', '--help'], { env, program: 'kubectl-sluice' });
    expect(stdout).toContain('  kubectl sluice iptables list');
    expect(stdout).not.toMatch(/^ +(\$ )?sluice /m);
  });
});

describe('version', () => {
  test('is short alone and complete as JSON', async () => {
    expect(await run('version')).toMatchObject({ stdout: expect.stringMatching(/^sluice \d+\.\d+\.\d+\n$/), stderr: '', exitCode: 0 });
    expect((await run('--version')).stdout).toBe((await run('version')).stdout);
    const { stdout } = await run('version', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ apiVersion: 'sluice.dev/v1', kind: 'Version', version: expect.any(String), kernel: expect.any(String) });
  });
});

describe('usage errors', () => {
  test.each([
    ['an unknown command', ['iptabels', 'list'], /^error: unknown command 'iptabels list'\n {2}try: +sluice iptables list\n/],
    ['an unknown verb', ['iptables', 'lst'], /^error: unknown command 'iptables lst'\n {2}try: +sluice iptables list\n/],
    ['nonsense', ['xyzzy'], /^error: unknown command 'xyzzy'\n {2}try: +sluice help\n/],
    ['an unknown flag', ['version', '--bogus'], /^error: .*--bogus/],
    ['a surplus argument', ['version', 'extra'], /^error: .*extra/],
    ['a missing argument', ['change', 'get'], /^error: .*\n?.*id/],
    ['a number that is none', ['iptables', 'list', '--limit', 'x'], /^error: .*--limit/],
    ['an unknown format', ['version', '-o', 'nope'], /^error: unknown output format 'nope'/],
    ['an unknown length of time', ['version', '--timeout', 'soon'], /^error: 'soon' is not a length of time/],
    ['a file that is not there', ['iptables', 'list', '-f', '/nonexistent'], /^error: .*\/nonexistent/],
  ])('%s ends with 2, says so on stderr and offers nothing to run', async (_, argv, message) => {
    const { stdout, stderr, exitCode } = await run(...argv);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\n {2}code: {2}SL\d{4} {2}\(sluice help SL\d{4}\)\n$/);
    expect(stderr).not.toMatch(/\[y\/N\]|did you mean/i);
  });

  test('are one line of JSON on stderr with -o json', async () => {
    for (const argv of [['change', 'get', 'c-0000', '-o', 'json'], ['change', 'get', 'c-0000', '--json']]) {
      const { stdout, stderr, exitCode } = await run(...argv);
      expect({ stdout, exitCode, lines: stderr.split('\n').length }).toEqual({ stdout: '', exitCode: 5, lines: 2 });
      expect(JSON.parse(stderr)).toMatchObject({
        apiVersion: 'sluice.dev/v1', kind: 'Error', code: expect.stringMatching(/^SL\d{4}$/), reason: 'not-found', exitCode: 5,
        message: expect.stringContaining('c-0000'), causes: expect.any(Array), suggestions: expect.any(Array),
      });
    }
    expect(JSON.parse((await run('xyzzy', '--json')).stderr)).toMatchObject({ kind: 'Error', code: 'SL1001', exitCode: 2 });
    expect(JSON.parse((await run('version', '--bogus', '-o', 'json')).stderr)).toMatchObject({ kind: 'Error', exitCode: 2 });
  });
});

describe('exit codes', () => {
  test('0 and 1 answer a question', async () => {
    expect(await run(...packet(22))).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('ACCEPT') });
    expect(await run(...packet(23))).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('DROP') });
  });

  test('4 without the privileges to read the rules, with what to do', async () => {
    requireRoot();
    const [file = '', ...args] = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...sluiceCommand(['iptables', 'list'])];
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env: sluiceEnvironment(env) });
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(stderr).toMatch(/^error: .*root/);
  });

  test('4 when SLUICE_READONLY forbids changes', async () => {
    expect(await sluice(['change', 'rollback'], { env: { ...env, SLUICE_READONLY: '1' } })).toMatchObject({ exitCode: 4, stdout: '' });
  });

  test('5 for a change and for a namespace that are not there', async () => {
    expect(await run('change', 'get', 'c-0000')).toMatchObject({ exitCode: 5, stdout: '' });
    expect(await run('iptables', 'list', '--netns', 'nonexistent')).toMatchObject({ exitCode: 5, stdout: '' });
  });

  test('124 when --timeout is over', { timeout: 15_000 }, async () => {
    const child = start('iptables', 'list', '-f', '-', '--timeout', '200ms');
    expect(await once(child, 'exit')).toEqual([124, null]);
  });

  test('130 when interrupted', { timeout: 15_000 }, async () => {
    const child = start('iptables', 'list', '-f', '-');
    // The interruption must meet the program at work, not Node that is still starting.
    await untilReading(child.pid!);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
  });

  test('141 when the reader goes away, without a word', async () => {
    const { stdout, status } = shell('"$sluice" iptables list --help > /dev/null; set -o pipefail; "$sluice" iptables export -f "$dump.big" 2>&1 | head -n 1');
    expect({ stdout, status }).toEqual({ stdout: '*filter\n', status: 141 });
  });

  beforeAll(() => {
    const rules = Array.from({ length: 20_000 }, (_, i) => `-A INPUT -s 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32 -j DROP\n`);
    writeFileSync(`${dump}.big`, DUMP.replace('-A INPUT -s', `${rules.join('')}-A INPUT -s`));
  });
});

/** Waits until the process has set its handlers and reads its input: it then sleeps, having used some processor time. */
async function untilReading(pid: number): Promise<void> {
  for (let quiet = 0, last = ''; quiet < 4;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = spawnSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' }).stdout.split(' ').slice(13, 15).join(' ');
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
}

describe('standard input', () => {
  test('goes to -f - and not to an argument that is left out', async () => {
    const fromFile = await run('iptables', 'list', '-f', dump);
    expect(fromFile).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await sluice(['iptables', 'list', '-f', '-'], { env, input: DUMP })).toEqual(fromFile);
  });

  test('is left alone by a command that does not ask for it', async () => {
    expect(await sluice(['change', 'rollback'], { env, input: 'c-0000\n' })).toMatchObject({ exitCode: 5, stderr: expect.not.stringContaining('c-0000') });
  });
});

describe('colour', () => {
  test('never reaches a pipe unless it is asked for', async () => {
    expect((await run(...packet(23))).stdout).not.toContain(ESCAPE);
    expect((await run(...packet(23), '--color', 'always')).stdout).toContain(ESCAPE);
    expect((await run('version', '--json', '--color', 'auto')).stdout).not.toContain(ESCAPE);
  });

  test('is on a terminal, except with NO_COLOR, --no-color or TERM=dumb', () => {
    const onTerminal = (line: string): boolean => shell(`script -qec '${line}' /dev/null </dev/null`).stdout.includes(ESCAPE);
    const command = `"$sluice" ${packet(23).join(' ')}`;
    expect(onTerminal(`TERM=xterm ${command}`)).toBe(true);
    expect(onTerminal(`TERM=xterm NO_COLOR=1 ${command}`)).toBe(false);
    expect(onTerminal(`TERM=xterm ${command} --no-color`)).toBe(false);
    expect(onTerminal(`TERM=dumb ${command}`)).toBe(false);
  });
});

describe('completion', () => {
  const candidates = async (...words: string[]): Promise<string[]> =>
    (await run('__complete', ...words)).stdout.split('\n').map((line) => line.split('\t')[0]!);

  test('offers commands, flags and values in the protocol of Cobra', async () => {
    expect(await candidates('iptables', 'l')).toEqual(['list', ':4', '']);
    expect(await candidates('iptables', 'list', '--out')).toEqual(['--output', ':4', '']);
    expect(await candidates('iptables', 'list', '--backend', '')).toEqual(expect.arrayContaining(['legacy', 'nft', ':4']));
    expect(await candidates('')).toEqual(expect.arrayContaining(['change', 'iptables', 'migrate', ':4']));
  });

  test('never fails, whatever was typed', async () => {
    for (const words of [[], ['xyzzy', ''], ['iptables', 'list', '--bogus', ''], ['--'], ['iptables', 'list', '-f', '']]) {
      expect(await run('__complete', ...words)).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/:\d+\n?$/) });
    }
  });

  test('serves kubectl through its own file', async () => {
    const { stdout } = await sluice(['iptables', 'l'], { env, program: 'kubectl_complete-sluice' });
    expect(stdout).toBe((await run('__complete', 'iptables', 'l')).stdout);
  });

  test('works in bash as its script sets it up', () => {
    const { stdout } = shell(`PATH="\${sluice%/*}:$PATH"; source <(sluice completion bash) && COMP_WORDS=(sluice iptables l) COMP_CWORD=2 && _sluice; echo "\${COMPREPLY[*]}"`);
    expect(stdout).toBe('list\n');
  });
});

describe('settings', () => {
  test('come from a flag, then the environment, then the user\'s file', async () => {
    mkdirSync(join(folder, '.config/sluice'), { recursive: true });
    writeFileSync(join(folder, '.config/sluice/config.yaml'), 'output: json\n');
    const stdout = async (extra: Record<string, string>, ...argv: string[]): Promise<string> =>
      (await sluice(['iptables', 'list', '-f', dump, ...argv], { env: { ...env, ...extra } })).stdout;
    expect(await stdout({})).toMatch(/^\{/);
    expect(await stdout({ SLUICE_OUTPUT: 'yaml' })).toMatch(/^apiVersion: /);
    expect(await stdout({ SLUICE_OUTPUT: 'yaml' }, '-o', 'jsonl')).toMatch(/^\{.*\}\n\{/);
    rmSync(join(folder, '.config'), { recursive: true });
  });
});
