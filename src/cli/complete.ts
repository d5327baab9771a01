/**
 * Completion: what may come next, one candidate a line with a tab and its description, in the protocol of Cobra, whose
 * last line `:4` tells the shell not to offer files. Answered before oclif is loaded.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandMetadata } from './registry.d.ts';
import { leadingFlags, type Commands } from './words.ts';

const NO_FILES = 4;
const DEFAULT = 0;

interface Candidate {
  value: string;
  text: string;
}

/** Names of BPF objects, which only the kernel can tell. */
export type NameSource = (kind: 'program' | 'map' | 'link') => Promise<Candidate[]>;

/** Prints the candidates for the last of `words`. */
export async function complete(words: readonly string[], commands: Commands, objects: NameSource): Promise<void> {
  const typed = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const answer = candidatesFor(typed, current, commands);
  const named = answer.objects === undefined || current.includes('/') ? [] : await objects(answer.objects);
  const directive = answer.objects !== undefined && current.includes('/') ? DEFAULT : answer.directive;
  const lines = [...answer.candidates, ...named].filter(({ value }) => value.startsWith(current)).map(({ value, text }) => `${value}\t${text}`);
  process.stdout.write([...lines, `:${directive}`, ''].join('\n'));
}

interface Answer {
  candidates: Candidate[];
  directive: number;
  /** Names of these objects as well; a word with a slash is the path of a pin. */
  objects?: Parameters<NameSource>[0];
}

function candidatesFor(typed: readonly string[], current: string, commands: Commands): Answer {
  const words = wordsOf(typed, commands);
  const name = [3, 2, 1].map((length) => words.slice(0, length).join(':')).find((one) => commandNamed(one, commands) !== undefined);
  if (name === undefined) return { candidates: nextWords(words, commands), directive: NO_FILES };
  const command = commandNamed(name, commands)!;
  const flag = flagOf(typed.at(-1) ?? '', command);
  if (flag?.type === 'option') return valuesOf(flag);
  if (current.startsWith('-')) return { candidates: flagsOf(command), directive: NO_FILES };
  return argumentValues(command, words.length - name.split(':').length);
}

const commandNamed = (name: string, commands: Commands): CommandMetadata | undefined =>
  Object.hasOwn(commands, name) ? commands[name] : Object.values(commands).find(({ aliases }) => aliases.includes(name));

function nextWords(words: readonly string[], commands: Commands): Candidate[] {
  const prefix = words.length === 0 ? '' : `${words.join(':')}:`;
  const next = new Map<string, string>();
  for (const [id, { summary, hidden }] of namesOffered(commands)) {
    if (!id.startsWith(prefix) || hidden === true) continue;
    const word = id.slice(prefix.length).split(':')[0]!;
    if (!next.has(word)) next.set(word, id === prefix + word ? (summary ?? '') : '');
  }
  if (words.length === 0) next.set('help', 'Help on a topic, a command or an error code');
  return [...next].map(([value, text]) => ({ value, text }));
}

/** Commands by their names, and by those aliases that begin with a word that no name begins with (`fdb list`). */
function namesOffered(commands: Commands): [string, CommandMetadata][] {
  const firstWords = new Set(Object.keys(commands).map((id) => id.split(':')[0]!));
  const others = Object.values(commands).flatMap((command) => command.aliases.filter((alias) => !firstWords.has(alias.split(':')[0]!)).map((alias): [string, CommandMetadata] => [alias, command]));
  return [...Object.entries(commands), ...others];
}

/** What was typed without flags and their values. */
function wordsOf(typed: readonly string[], commands: Commands): string[] {
  const { rest } = leadingFlags(typed, commands);
  const flags = Object.entries(commands).flatMap(([id, command]) => (`${rest.join(':')}:`.startsWith(`${id}:`) ? [command] : []));
  const takesValue = (word: string | undefined): boolean => flags.some((command) => flagOf(word ?? '', command)?.type === 'option');
  return rest.filter((word, i) => !word.startsWith('-') && !takesValue(rest[i - 1]));
}

type Flag = CommandMetadata['flags'][string];

const flagOf = (word: string, command: CommandMetadata): Flag | undefined =>
  Object.values(command.flags).find(({ name, char }) => word === `--${name}` || (char !== undefined && word === `-${char}`));

const flagsOf = (command: CommandMetadata): Candidate[] =>
  Object.values(command.flags).filter(({ hidden }) => hidden !== true).map(({ name, summary }) => ({ value: `--${name}`, text: summary ?? '' }));

function valuesOf(flag: Flag): Answer {
  if (flag.name === 'netns' || flag.name === 'peer-netns') return names(namespaces());
  if (['in', 'out', 'dev', 'bridge', 'via'].includes(flag.name)) return names(entries('/sys/class/net'));
  if (flag.name === 'before' || flag.name === 'after' || flag.name === 'target') return { candidates: [], directive: NO_FILES, objects: 'program' };
  if (flag.name === 'attach') return names(attachPoints());
  if (flag.name === 'encap') return names(['none', 'vxlan', 'geneve', 'wireguard', 'ipsec', 'ipip', 'gre', 'gretap']);
  if (flag.name === 'underlay') return names(['ipv4', 'ipv6']);
  if (flag.name === 'output') return names(['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'junit', 'jsonpath=', 'custom-columns=']);
  const options = flag.type === 'option' ? flag.options : undefined;
  if (options !== undefined) return names(options);
  return { candidates: [], directive: ['filename', 'out', 'write', 'pin'].includes(flag.name) ? DEFAULT : NO_FILES };
}

/** Values of the argument at `position`, by its name. */
function argumentValues(command: CommandMetadata, position: number): Answer {
  const argument = Object.values(command.args)[position];
  switch (argument?.name) {
    case 'id':
    case 'change':
      return names(entries(join(process.env['SLUICE_STATE_DIR'] ?? '/var/lib/sluice', 'changes')));
    case 'name':
    case 'lab':
      // Of other commands it is a name of something new, or of what only the kernel or a dump knows.
      return names(command.id.startsWith('lab:') ? labs() : []);
    case 'node':
      return names(namespaces().filter((name) => name.startsWith('sl-')));
    case 'program':
    case 'map':
    case 'link':
      return { candidates: [], directive: NO_FILES, objects: argument.name };
    case 'btf':
      return { ...names(entries('/sys/kernel/btf')), directive: DEFAULT };
    case 'interface':
      return names(entries('/sys/class/net'));
    case 'device':
    case 'mac':
    case 'newmap':
    case 'key':
    case 'value':
      // New names, keys and addresses: nothing to offer, and no files either.
      return names([]);
    case 'tunnel':
      return names(tunnels());
    case 'shell':
      return names(['bash', 'zsh', 'fish']);
    case 'chain':
      return names(['raw', 'mangle', 'nat', 'filter'].flatMap((table) => [table, ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((chain) => `${table}/${chain}`)]));
    default:
      return { candidates: [], directive: argument === undefined ? NO_FILES : DEFAULT };
  }
}

const DEVICE_HOOKS = ['xdp', 'xdp-native', 'xdp-generic', 'tcx-ingress', 'tcx-egress', 'tc-ingress', 'tc-egress'];
const OTHER_HOOKS = [
  'netfilter:', 'cgroup:', 'sockmap:', 'tracepoint:', 'raw_tp:', 'kprobe:', 'kretprobe:', 'uprobe:', 'uretprobe:', 'perf_event:', 'struct_ops:', 'lwt-in:', 'lwt-out:', 'lwt-xmit:',
  'fentry', 'fexit', 'fmod_ret', 'tp_btf', 'lsm', 'sk_lookup', 'flow_dissector', 'iter',
];

/** Hooks of interfaces with each interface, and the beginnings of others. */
const attachPoints = (): string[] => [...DEVICE_HOOKS.flatMap((hook) => entries('/sys/class/net').map((device) => `${hook}:${device}`)), ...OTHER_HOOKS];

const names = (values: readonly string[]): Answer => ({ candidates: values.map((value) => ({ value, text: '' })), directive: NO_FILES });

/** Devices that say they are VXLAN; the kernel is not asked, for loading what asks it takes longer than a completion may. */
const tunnels = (): string[] => entries('/sys/class/net').filter((name) => deviceType(name) === 'vxlan');

function deviceType(name: string): string | undefined {
  try {
    return /^DEVTYPE=(.*)$/m.exec(readFileSync(`/sys/class/net/${name}/uevent`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

const labs = (): string[] => entries(join(process.env['SLUICE_STATE_DIR'] ?? '/var/lib/sluice', 'labs')).map((file) => file.replace(/\.json$/, ''));

const namespaces = (): string[] => entries('/run/netns');

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
