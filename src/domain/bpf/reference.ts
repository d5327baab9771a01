import { UsageError } from '../../lib/errors.ts';

/** Which BPF object is meant; `word` is a name, or a tag where it looks like one. */
export type Reference = { by: 'id'; id: number } | NamedReference | { by: 'pin'; path: string };

/** Several objects may answer to it. */
export interface NamedReference {
  by: 'name' | 'tag' | 'word';
  text: string;
}

/** What an object is called, to tell it from others. */
export interface Identity {
  id: number;
  /** As the kernel keeps it, cut at 15 characters; empty for none. */
  name: string;
  tag?: string;
  /** From type information. */
  fullName?: string | undefined;
}

const KEYWORDS = ['id', 'name', 'tag', 'pinned'] as const;
const MAX_ID = 0xffff_ffff;
const TAG = /^[0-9a-f]{16}$/i;

/**
 * Takes a reference off the front of a command's words: `412`, `id 412`, `NAME`, `name NAME`, `TAG`, `tag TAG`, a path below a
 * bpf file system, or `pinned PATH`.
 *
 * @throws UsageError SL2552 where a keyword has nothing, or nothing fitting, behind it.
 */
export function takeReference(words: readonly unknown[]): { reference: Reference; rest: string[] } {
  const [first = '', ...rest] = words.map(String);
  const keyword = KEYWORDS.find((word) => word === first);
  // An object may be called `id`: then nothing stands behind it.
  if (keyword === undefined || rest.length === 0) return { reference: readWord(first), rest };
  return { reference: readPair(keyword, rest[0]!), rest: rest.slice(1) };
}

/** The same for commands that take nothing else. @throws UsageError SL2552 also for words that are left. */
export function readReference(words: readonly unknown[]): Reference {
  const { reference, rest } = takeReference(words);
  if (rest.length === 0) return reference;
  throw unusable(words.join(' '), `${rest.join(' ')} is too much`);
}

function readWord(word: string): Reference {
  if (isId(word)) return { by: 'id', id: Number(word) };
  if (word.includes('/')) return { by: 'pin', path: word };
  if (word === '') throw unusable(word, 'it is empty');
  return { by: 'word', text: word };
}

function readPair(keyword: (typeof KEYWORDS)[number], value: string): Reference {
  if (keyword === 'pinned') return { by: 'pin', path: value };
  if (keyword === 'name') return { by: 'name', text: value };
  if (keyword === 'tag' && TAG.test(value)) return { by: 'tag', text: value.toLowerCase() };
  if (keyword === 'id' && isId(value)) return { by: 'id', id: Number(value) };
  throw unusable(`${keyword} ${value}`, keyword === 'id' ? 'an id is a number from 1 to 4294967295' : 'a tag has 16 hexadecimal digits');
}

/** 16 decimal digits are a tag, as no id is that large. */
const isId = (word: string): boolean => /^\d{1,10}$/.test(word) && Number(word) >= 1 && Number(word) <= MAX_ID;

/** Whether an object answers to a name or tag. The kernel cuts names at 15 characters: a longer one is compared by its start. */
export function matches({ name, tag, fullName }: Identity, { by, text }: NamedReference): boolean {
  if (by !== 'name' && tag !== undefined && tag === text.toLowerCase()) return true;
  return by !== 'tag' && name !== '' && (name === text || (fullName === undefined ? isCutFrom(name, text) : fullName === text));
}

/** The longest name that the kernel keeps. */
export const MAX_NAME = 15;

const isCutFrom = (name: string, whole: string): boolean => name.length === MAX_NAME && whole.length > MAX_NAME && whole.startsWith(name);

/** How a user would write it. */
export function describeReference(reference: Reference): string {
  if (reference.by === 'id') return `id ${reference.id}`;
  if (reference.by === 'pin') return reference.path;
  return reference.by === 'word' ? `'${reference.text}'` : `${reference.by} ${reference.text}`;
}

const unusable = (words: string, why: string): UsageError =>
  new UsageError(`'${words}' names no BPF object: ${why}`, {
    code: 'SL2552', hints: ['write 412, id 412, NAME, name NAME, tag TAG, or the path of a pin'],
  });
