import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { describeCommand, loadCommands, registrySource, type CommandEntry } from '../../bin/registry.ts';
import type { Command } from '@oclif/core';

const ROOT = dirname(dirname(import.meta.dirname));

let entries: CommandEntry[];
let commands: Command.Cached[];

beforeAll(async () => {
  entries = await loadCommands(join(ROOT, 'src/commands'));
  commands = await Promise.all(entries.map(describeCommand));
});

/** Ids of the commands that a check finds fault with. */
const faulty = (isFaulty: (command: Command.Cached) => boolean): string[] => commands.filter(isFaulty).map(({ id }) => id);

test('every command has a summary of one line, without a full stop', () => {
  expect(faulty(({ summary = '' }) => summary === '' || /[\n]|\.$/.test(summary))).toEqual([]);
});

test('every command that is shown has examples that call it', () => {
  expect(faulty(({ id, aliases, hidden, examples = [] }) => {
    const names = [id, ...aliases].map((name) => name.replaceAll(':', ' '));
    const texts = (examples as (string | { command: string })[]).map((example) => (typeof example === 'string' ? example : example.command));
    return hidden !== true && (texts.length === 0 || !texts.every((text) => names.some((name) => text.includes(`<%= config.bin %> ${name}`))));
  })).toEqual([]);
});

test('no positional argument swallows standard input', () => {
  const swallowing = entries.flatMap(({ id, command }) =>
    Object.entries(command.args).filter(([, arg]) => arg.ignoreStdin !== true).map(([name]) => `${id} ${name}`));
  expect(swallowing).toEqual([]);
});

test('every flag and argument is described', () => {
  expect(commands.flatMap(({ id, flags, args }) => [
    ...Object.values(flags).filter(({ summary, description }) => (summary ?? description ?? '') === '').map(({ name }) => `${id} --${name}`),
    ...Object.values(args).filter(({ description }) => (description ?? '') === '').map(({ name }) => `${id} ${name}`),
  ])).toEqual([]);
});

/** -f as kubectl has it on each command; -w of a capture is the file, as everywhere where packets are captured. */
const TWO_MEANINGS = ['f', 'w'];

test('a short flag means the same everywhere, except -f and -w', () => {
  const meanings = new Map<string, Set<string>>();
  for (const { flags } of commands) {
    for (const { char, name } of Object.values(flags)) if (char !== undefined) meanings.set(char, (meanings.get(char) ?? new Set()).add(name));
  }
  expect([...meanings].filter(([char, names]) => !TWO_MEANINGS.includes(char) && names.size > 1)).toEqual([]);
});

test('no two commands share a name or an alias', () => {
  const names = commands.flatMap(({ id, aliases, hiddenAliases }) => [id, ...aliases, ...hiddenAliases]);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('the registry names every command and where its code is', async () => {
  const source = await registrySource(entries, { name: 'sluice', version: '1.2.3' }, join(ROOT, 'dist'));
  expect(source).toContain('pjson = {"name":"sluice","version":"1.2.3"};');
  // What every command has stands there once: a start parses all of this.
  expect(source.split('Show stack traces of errors').length).toBe(2);
  for (const { id } of entries) expect(source).toMatch(new RegExp(`"${id}": \\(\\) => import\\("../src/commands/.*\\.ts"\\)`));
});
