import { UsageError } from '../../../lib/errors.ts';

/** Key and value as they were typed. */
export interface EntryWords {
  key: string | undefined;
  value: string | undefined;
}

/**
 * Splits the words behind a map: `KEY VALUE`, or as bpftool takes them `key 0a 00 00 01 value 01 00`. Types without keys take
 * a value only.
 *
 * @throws UsageError SL2606
 */
export function splitEntry(words: readonly string[], { hasKey, hasValue }: { hasKey: boolean; hasValue: boolean }): EntryWords {
  const at = words.indexOf('value');
  const [before, after] = at < 0 ? [[...words], undefined] : [words.slice(0, at), words.slice(at + 1)];
  const keyWords = before[0] === 'key' ? before.slice(1) : before;
  const explicit = at >= 0 || before[0] === 'key';
  if (explicit) return checked({ key: joined(keyWords), value: joined(after ?? []) }, { hasKey, hasValue }, words);
  if (!hasKey) return checked({ key: undefined, value: joined(before) }, { hasKey, hasValue }, words);
  if (!hasValue) return checked({ key: joined(before), value: undefined }, { hasKey, hasValue }, words);
  if (before.length > 2) throw new UsageError(`${before.length} words are more than a key and a value`, { code: 'SL2606', hints: ["quote them: 'saddr=10.0.0.1 dport=443' 'packets=1'", 'or write: key … value …'] });
  return checked({ key: before[0], value: before[1] }, { hasKey, hasValue }, words);
}

const joined = (words: readonly string[]): string | undefined => (words.length === 0 ? undefined : words.join(' '));

function checked(entry: EntryWords, { hasKey, hasValue }: { hasKey: boolean; hasValue: boolean }, words: readonly string[]): EntryWords {
  const complain = (message: string): never => {
    throw new UsageError(message, { code: 'SL2606', details: { words } });
  };
  if (hasKey && entry.key === undefined) complain('the key is missing');
  if (!hasKey && entry.key !== undefined) complain('this type of map has no keys');
  if (hasValue && entry.value === undefined) complain('the value is missing');
  if (!hasValue && entry.value !== undefined) complain('there is a value too much');
  return entry;
}
