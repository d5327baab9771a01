/** Text for POSIX sh. */

import { UsageError } from '../../lib/errors.ts';

/** `word` quoted so that sh takes it as one word, whatever it holds. @throws UsageError for a NUL byte */
export function quote(word: string): string {
  if (word.includes('\0')) throw new UsageError('a command line cannot hold a NUL byte');
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Words as one command line. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

/** `text` for a comment: a newline in it would start a command. */
export function comment(text: string): string {
  return `# ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()}`;
}
