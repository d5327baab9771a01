/** Text of many lines that another tool could have printed. */

import { once } from 'node:events';

/** Writes pieces one after the other, no faster than the reader takes them. */
export async function writeText(pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) if (!process.stdout.write(sanitizeLines(piece))) await once(process.stdout, 'drain');
}

/** Strips what could steer a terminal, but not the ends of lines and tabs. */
function sanitizeLines(text: string): string {
  // Nearly all text is plain, and looking is far cheaper than replacing.
  return /[^\n\t\x20-\x7e]/.test(text) ? text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu, '') : text;
}
