import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { topicsOf, visibleCommands, writePages } from '../../bin/man.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';

const MAN = join(dirname(dirname(import.meta.dirname)), 'man');
const NAMES = readdirSync(MAN).filter((name) => name.endsWith('.8'));

/** Requests that the pages use: macros of man(7) and the few of roff itself. */
const KNOWN_REQUESTS = new Set([
  '\\"', 'TH', 'SH', 'SS', 'PP', 'TP', 'IP', 'B', 'I', 'R', 'BR', 'RB', 'BI', 'IB', 'IR', 'RI', 'EX', 'EE', 'RS', 'RE', 'br', 'in', 'nr',
]);

let commands: Awaited<ReturnType<typeof visibleCommands>>;

beforeAll(async () => {
  commands = await visibleCommands();
});

test.each(NAMES)('%s is what the commands say', (name) => {
  expect(readFileSync(join(MAN, name), 'utf8'), 'out of date: run `npm run man` and commit').toBe(writePages(commands).get(name));
});

test('every topic has a page, every page a topic', () => {
  expect(NAMES.map((name) => name.replace(/^sluice-?(.*)\.8$/, '$1')).filter((name) => name !== '').sort()).toEqual(topicsOf(commands).sort());
});

test('every command and every exit code is on a page', () => {
  const text = NAMES.map((name) => readFileSync(join(MAN, name), 'utf8')).join('');
  const missing = commands.filter(({ id }) => !text.includes(`.SS "sluice ${id.replaceAll(':', ' ').replaceAll('-', '\\-')}"`));
  expect(missing.map(({ id }) => id)).toEqual([]);
  for (const { code } of EXIT_CODES) expect(text).toContain(`.B ${code}\n`);
});

test.each(NAMES)('%s is well-formed', (name) => {
  const lines = readFileSync(join(MAN, name), 'utf8').split('\n');
  const requests = lines.filter((line) => /^[.']/.test(line)).map((line) => /^[.']\s*(\\"|\S*)/.exec(line)![1]!);
  expect(requests.filter((request) => !KNOWN_REQUESTS.has(request))).toEqual([]);
  expect(lines.filter((line) => /[^\t -~]/.test(line))).toEqual([]);
  expect(requests[0]).toBe('TH');
  expect(requests.filter((request) => request === 'EX').length).toBe(requests.filter((request) => request === 'EE').length);
});

/** The formatters that are installed, each with the options that make it complain; none on a small machine. */
const FORMATTERS = [['groff', '-man', '-ww', '-z'], ['mandoc', '-T', 'lint', '-W', 'warning']]
  .filter(([program = '']) => spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined);

test('formatters have nothing to complain about', () => {
  for (const [program = '', ...args] of FORMATTERS) {
    const { stdout, stderr } = spawnSync(program, [...args, ...NAMES.map((name) => join(MAN, name))], { encoding: 'utf8' });
    expect(stdout + stderr, program).toBe('');
  }
});
