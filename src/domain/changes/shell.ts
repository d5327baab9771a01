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

/** Programs that the scripts run beside the revert steps, by absolute path. */
export interface ScriptPrograms {
  sh: string;
  nsenter: string;
  flock: string;
  umount: string;
}

/** A shell function that tells a process from a later one with the same pid. */
export const IDENTITY_FUNCTION = `# Prints "PID TICKS": the start time in clock ticks tells a process from a later one with the same pid.
identity() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  pid=$1
  set -- \${stat##*) }
  [ "$1" != Z ] && printf '%s %s\\n' "$pid" "\${20}"
}
`;
