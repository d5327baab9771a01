import { UsageError } from '../lib/errors.ts';
import { suggest } from '../lib/text.ts';
import type { CommandMetadata } from './registry.d.ts';

export type Commands = Readonly<Record<string, CommandMetadata>>;

/** Other names of topics. */
const TOPIC_ALIASES: Readonly<Record<string, string>> = { ipt: 'iptables', svc: 'service', ct: 'conntrack', np: 'policy' };

export interface Resolved {
  /** Undefined when the words name no command but a topic, or nothing. */
  id: string | undefined;
  /** The words behind the command's, or all of them. */
  rest: readonly string[];
}

/**
 * Finds the command that the first words name; the longest one wins. Flags that stand before it are those of every
 * command (`sluice --netns NAME iptables list`) and come back in front of the rest.
 *
 * @throws UsageError with suggestions when the words name neither a command nor a topic.
 */
export function resolveWords(argv: readonly string[], commands: Commands): Resolved {
  const { flags, rest } = leadingFlags(argv, commands);
  const resolved = resolveNames(rest, commands);
  return { id: resolved.id, rest: [...flags, ...resolved.rest] };
}

function resolveNames(argv: readonly string[], commands: Commands): Resolved {
  const end = argv.findIndex((word) => word.startsWith('-'));
  const words = (end < 0 ? argv : argv.slice(0, end)).map((word, i) => (i === 0 ? topicName(word) : word));
  for (let length = Math.min(3, words.length); length > 0; length--) {
    const id = commandId(words.slice(0, length).join(':'), commands);
    if (id !== undefined) return { id: showsAll(id, words[length - 1]!, argv.slice(length), commands) ?? id, rest: argv.slice(length) };
  }
  if (words.length === 0 || words[0] === 'help' || isTopic(words, commands)) return { id: undefined, rest: argv };
  throw unknownCommand(words, commands);
}

/** `show` is another name of `get`; with nothing to get it means `list`, as with bpftool and ip. */
function showsAll(id: string, verb: string, rest: readonly string[], commands: Commands): string | undefined {
  const list = id.replace(/:get$/, ':list');
  if (verb !== 'show' || list === id || !Object.hasOwn(commands, list)) return undefined;
  const needsName = Object.values(commands[id]!.args).some(({ required }) => required === true);
  return needsName && leadingFlags(rest, commands, list).rest.length === 0 && !rest.includes('--help') && !rest.includes('-h') ? list : undefined;
}

/** Flags at the start with their values; what takes one is known from the command `id`, or from any, since some flags are everybody's. */
export function leadingFlags(argv: readonly string[], commands: Commands, id: string = Object.keys(commands)[0] ?? ''): { flags: string[]; rest: string[] } {
  const known = Object.values(commands[id]?.flags ?? {});
  let end = 0;
  while (argv[end]?.startsWith('-') === true && argv[end] !== '--') {
    const flag = known.find(({ name, char }) => argv[end] === `--${name}` || (char !== undefined && argv[end] === `-${char}`));
    end += flag?.type === 'option' ? 2 : 1;
  }
  return { flags: argv.slice(0, end), rest: argv.slice(end) };
}

/** The id itself, or that of the command with such an alias. */
function commandId(name: string, commands: Commands): string | undefined {
  if (Object.hasOwn(commands, name)) return name;
  return Object.keys(commands).find((id) => commands[id]!.aliases.includes(name) || commands[id]!.hiddenAliases?.includes(name));
}

/** The topic's own name for one of its other names. */
export const topicName = (word: string): string => TOPIC_ALIASES[word] ?? word;

/** Whether the words are exactly the name of a topic. */
const isTopic = (words: readonly string[], commands: Commands): boolean =>
  Object.keys(commands).some((id) => id.startsWith(`${words.join(':')}:`));

function unknownCommand(words: readonly string[], commands: Commands): UsageError {
  const names = [...new Set(Object.keys(commands).flatMap((id) => [id, id.split(':')[0]!]))].map((id) => id.replaceAll(':', ' '));
  const typed = words.slice(0, 2).join(' ');
  const near = [...new Set([...suggest(typed, names), ...suggest(words[0]!, names)])].slice(0, 3);
  return new UsageError(`unknown command '${typed}'`, { code: 'SL1001', hints: near.length > 0 ? near.map((name) => `sluice ${name}`) : ['sluice help'] });
}
