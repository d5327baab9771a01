/**
 * Writes the generated parts of the man pages: `node bin/man.ts`.
 *
 * A page in man/ is written by hand, except for what stands between lines `.\" BEGIN <part>` and `.\" END <part>`; that
 * comes from the command classes, so that page, help and program agree. A test fails when a page is out of date.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from '@oclif/core';
import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import { TOPICS } from '../src/cli/help.ts';
import { describeCommand, loadCommands } from './registry.ts';

const ROOT = dirname(import.meta.dirname);
const MAN = join(ROOT, 'man');

/** What a part shows: of one topic (`iptables`), or of everything that has no topic (undefined). */
type Part = (commands: readonly Command.Cached[], topic: string | undefined) => string[];

const PARTS: Readonly<Record<string, Part>> = {
  synopsis: (commands, topic) => commandsOf(commands, topic).flatMap((command) => ['.br', synopsis(command)]),
  topics: (commands) => topicsOf(commands).flatMap((topic) => item(`.BR sluice\\-${topic} (8)`, TOPICS[topic] ?? '')),
  commands: (commands, topic) => commandsOf(commands, topic).flatMap(commandSection),
  'global-options': ([first]) => Object.values(first?.flags ?? {}).filter(isGlobal).flatMap(option),
  'exit-status': () => EXIT_CODES.flatMap(({ code, meaning }) => item(`.B ${code}`, sentence(meaning))),
};

/** The visible commands, by id. */
export async function visibleCommands(): Promise<Command.Cached[]> {
  const described = await Promise.all((await loadCommands(join(ROOT, 'src/commands'))).map(describeCommand));
  return described.filter(({ hidden }) => hidden !== true);
}

/** First words of commands that have several. */
export const topicsOf = (commands: readonly Command.Cached[]): string[] =>
  [...new Set(commands.filter(({ id }) => id.includes(':')).map(({ id }) => id.split(':')[0]!))];

/** The pages in man/ as they should be, by file name. @throws Error for a part that nobody can write. */
export function writePages(commands: readonly Command.Cached[]): Map<string, string> {
  const names = readdirSync(MAN).filter((name) => name.endsWith('.8'));
  return new Map(names.map((name) => [name, fillPage(name, readFileSync(join(MAN, name), 'utf8'), commands)]));
}

function fillPage(name: string, text: string, commands: readonly Command.Cached[]): string {
  const topic = /^sluice-(.+)\.8$/.exec(name)?.[1];
  return text.replaceAll(/^(\.\\" BEGIN (\S+)\n)[\s\S]*?^(\.\\" END \2\n)/gm, (_, begin: string, part: string, end: string) => {
    const write = PARTS[part];
    if (write === undefined) throw new Error(`man/${name}: no part '${part}'; there are ${Object.keys(PARTS).join(', ')}`);
    return [begin, ...write(commands, topic).map((line) => `${line}\n`), end].join('');
  });
}

function commandsOf(commands: readonly Command.Cached[], topic: string | undefined): Command.Cached[] {
  return commands.filter(({ id }) => (topic === undefined ? !id.includes(':') : id.startsWith(`${topic}:`)));
}

function commandSection(command: Command.Cached): string[] {
  const own = Object.values(command.flags).filter((flag) => flag.hidden !== true && !isGlobal(flag));
  const args = Object.values(command.args).filter(({ hidden }) => hidden !== true);
  const aliases = command.aliases.map((alias) => `\\fBsluice ${escape(alias.replaceAll(':', ' '))}\\fR`);
  return [
    `.SS "sluice ${escape(command.id.replaceAll(':', ' '))}"`,
    sentence(command.summary ?? ''),
    ...(command.description === undefined ? [] : command.description.split(/\n{2,}/).flatMap((paragraph) => ['.PP', escape(paragraph.replaceAll('\n', ' '))])),
    ...(aliases.length === 0 ? [] : ['.PP', `Also written as ${aliases.join(', ')}.`]),
    ...args.flatMap((arg) => item(`.I ${escape(arg.name.toUpperCase())}`, sentence(arg.description ?? ''))),
    ...own.flatMap(option),
    ...exampleLines(command),
  ];
}

/** `sluice change extend [ID] [options]`, as a line of the synopsis. */
function synopsis({ id, args, flags }: Command.Cached): string {
  const words = Object.values(args).filter(({ hidden }) => hidden !== true).map(({ name, required }) => (required === true ? name.toUpperCase() : `[${name.toUpperCase()}]`));
  const needed = Object.values(flags).filter((flag) => flag.required === true && flag.hidden !== true)
    .map((flag) => `\\fB${escape(`--${flag.name}`)}\\fR ${valueOf(flag)}`);
  return [`\\fBsluice ${escape(id.replaceAll(':', ' '))}\\fR`, ...words.map((word) => `\\fI${escape(word)}\\fR`), ...needed, '[\\fIoptions\\fR]'].join(' ');
}

type Flag = Command.Cached['flags'][string];

const isGlobal = (flag: Flag): boolean => flag.helpGroup === 'GLOBAL';

function option(flag: Flag): string[] {
  const names = [...(flag.char === undefined ? [] : [`-${flag.char}`]), `--${flag.name}`].map((name) => `\\fB${escape(name)}\\fR`).join(', ');
  const fallback = flag.type === 'option' && flag.default !== undefined && flag.default !== 'none' ? ` Default: ${String(flag.default)}.` : '';
  return item([names, valueOf(flag)].filter((part) => part !== '').join(' '), sentence(flag.summary ?? flag.description ?? '') + escape(fallback));
}

const valueOf = (flag: Flag): string =>
  flag.type === 'option' ? `\\fI${escape(String(flag.helpValue ?? flag.options?.join('|') ?? 'VALUE'))}\\fR` : '';

function exampleLines(command: Command.Cached): string[] {
  const examples = ((command.examples ?? []) as (string | { command: string })[]).map((example) => (typeof example === 'string' ? example : example.command));
  const lines = examples.map((example) => escape(example.replaceAll(/<%= ?config\.bin ?%>/g, 'sluice')));
  return lines.length === 0 ? [] : ['.PP', 'Examples:', '.PP', '.in +4n', '.EX', ...lines, '.EE', '.in'];
}

const item = (head: string, text: string): string[] => ['.TP', head, text];

/** A summary as a sentence of a page. */
const sentence = (text: string): string => escape(/[.!?]$/.test(text) || text === '' ? text : `${text}.`);

/** Text that roff prints as it is: its escape character, minus signs and a control character at the start are escaped. */
const escape = (text: string): string =>
  text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^(?=[.'])/, '\\&').replaceAll(/[^\n -~]/gu, asciiOf);

/** Characters beyond ASCII by their number, so that the page reads the same in every locale. */
const asciiOf = (character: string): string => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`;

if (import.meta.main) {
  for (const [name, text] of writePages(await visibleCommands())) writeFileSync(join(MAN, name), text);
}
