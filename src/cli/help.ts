/** Help texts, made from the commands' own descriptions. */

import { ERROR_CATALOG } from '../lib/error-catalog.ts';
import { NotFoundError } from '../lib/errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { CommandMetadata } from './registry.d.ts';
import { resolveWords, topicName, type Commands } from './words.ts';

/** The name the user typed: `sluice`, or `kubectl sluice` for the plugin. */
export const invokedName = (): string => process.env['SLUICE_INVOKED_AS'] ?? 'sluice';

/** One line on every topic. */
export const TOPICS: Readonly<Record<string, string>> = {
  iptables: 'See the rules that are in force, the services behind them, and which rule a packet hits',
  migrate: 'Move the filter table to eBPF, proven equal, with a way back',
  change: 'Confirm, extend or roll back what was changed',
  bpf: 'Compile, load, attach, run and inspect eBPF programs, maps and links',
  'bpf prog': 'eBPF programs: load, attach, list, dump, run, statistics',
  'bpf map': 'eBPF maps: create, list, dump, look up, set, watch',
  'bpf link': 'Attachments of eBPF programs',
  'bpf btf': 'Type information of the kernel and of programs',
  'bpf pin': 'Objects that are kept in the bpf file system',
  vxlan: 'VXLAN tunnels: create, see, apply a mesh, find what is broken',
  'vxlan fdb': 'Forwarding entries: which remote a MAC address is behind',
  link: 'Network links of every kind',
  mtu: 'What encapsulations cost, and what a path really carries',
  lab: 'A disposable network in namespaces to try things in',
};

/** Prints help on a command, a topic, a code, or everything. */
export function showHelp(id: string | undefined, rest: readonly string[], commands: Commands): void {
  const words = rest.filter((word) => !word.startsWith('-'));
  const asked = words[0] === 'help' ? words.slice(1) : words;
  process.stdout.write(`${id === undefined ? helpOn(asked, commands) : commandHelp(id, commands[id]!)}\n`);
}

function helpOn(words: readonly string[], commands: Commands): string {
  const [first] = words;
  if (first === undefined) return overview(commands);
  if (first === 'exit-codes') return exitCodes();
  if (/^SL\d{4}$/.test(first)) return errorHelp(first);
  const { id } = resolveWords(words, commands);
  return id === undefined ? topicHelp([topicName(first), ...words.slice(1)].join(' '), commands) : commandHelp(id, commands[id]!);
}

function overview(commands: Commands): string {
  const topics = [...new Set(Object.keys(commands).map((id) => id.split(':')[0]!))].sort();
  const lines = topics.map((topic): [string, string] => [topic, TOPICS[topic] ?? commands[topic]?.summary ?? '']);
  return [
    `${invokedName()}: one command for the network of one Linux node, from iptables to eBPF`,
    '', 'USAGE', `  ${invokedName()} TOPIC COMMAND [flags]`, '', 'TOPICS', ...columns(lines),
    '', 'MORE', ...columns([
      ['help TOPIC', 'its commands'], ['COMMAND --help', 'flags and examples'],
      ['help exit-codes', 'what each exit code means'], ['help SL1234', 'what an error code means and what to do'],
    ]),
  ].join('\n');
}

function topicHelp(topic: string, commands: Commands): string {
  const prefix = `${topic.replaceAll(' ', ':')}:`;
  const lines = Object.entries(commands)
    .filter(([id, { hidden }]) => id.startsWith(prefix) && hidden !== true)
    .map(([id, { summary }]): [string, string] => [id.replaceAll(':', ' '), summary ?? '']);
  return [TOPICS[topic] ?? topic, '', 'USAGE', `  ${invokedName()} ${topic} COMMAND [flags]`, '', 'COMMANDS', ...columns(lines)].join('\n');
}

function commandHelp(id: string, command: CommandMetadata): string {
  const flags = Object.values(command.flags).filter(({ hidden }) => hidden !== true);
  const args = Object.values(command.args).filter(({ hidden }) => hidden !== true);
  const own = flags.filter(({ helpGroup }) => helpGroup !== 'GLOBAL');
  const usage = args.map((arg) => (arg.required === true ? arg.name.toUpperCase() : `[${arg.name.toUpperCase()}]`)).join(' ');
  const aliases = command.aliases.map((alias) => alias.replaceAll(':', ' '));
  return [
    command.summary ?? '',
    ...section('USAGE', [`  ${[invokedName(), id.replaceAll(':', ' '), usage, '[flags]'].filter((part) => part !== '').join(' ')}`]),
    ...section('DESCRIPTION', command.description === undefined ? [] : command.description.split('\n').map((line) => `  ${line}`.trimEnd())),
    ...section('ARGUMENTS', columns(args.map((arg): [string, string] => [arg.name.toUpperCase(), arg.description ?? '']))),
    ...section('FLAGS', columns(own.map(describeFlag))),
    ...section('GLOBAL FLAGS', columns(flags.filter((flag) => !own.includes(flag)).map(describeFlag))),
    ...section('ALIASES', aliases.map((alias) => `  ${invokedName()} ${alias}`)),
    ...section('EXAMPLES', examplesOf(command).map((line) => `  $ ${line}`)),
  ].join('\n');
}

/** Examples as they are typed, with the name the user knows. */
export const examplesOf = (command: CommandMetadata): string[] =>
  ((command.examples ?? []) as (string | { command: string })[]).map((example) =>
    (typeof example === 'string' ? example : example.command).replaceAll(/<%= ?config\.bin ?%>/g, invokedName()));

type Flag = CommandMetadata['flags'][string];

function describeFlag(flag: Flag): [string, string] {
  const short = flag.char === undefined ? '    ' : `-${flag.char}, `;
  const value = flag.type === 'option' ? ` ${String(flag.helpValue ?? flag.options?.join('|') ?? 'VALUE')}` : '';
  const fallback = flag.type === 'option' && flag.default !== undefined && flag.default !== 'none' ? ` [default: ${String(flag.default)}]` : '';
  return [`${short}--${flag.name}${value}`, `${flag.summary ?? flag.description ?? ''}${fallback}`];
}

function exitCodes(): string {
  return ['Exit codes', ...columns(EXIT_CODES.map(({ code, meaning }): [string, string] => [String(code), meaning]))].join('\n');
}

function errorHelp(code: string): string {
  const entry = ERROR_CATALOG[code];
  if (entry === undefined) throw new NotFoundError(`no error code ${code}`, { hints: ['sluice help exit-codes'] });
  return `${code}  ${entry.title}\n\n${entry.help}`;
}

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);

function columns(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`.trimEnd());
}
