import { isIPv4, isIPv6 } from 'node:net';

/**
 * Reads an IPv4 or IPv6 address into 32-bit words in host order, most significant first: one word or four.
 *
 * Undefined when the text is not exactly one address (no zone, prefix length, port or brackets).
 */
export function parseAddress(text: string): number[] | undefined {
  if (isIPv4(text)) return [parseDotted(text)];
  return isIPv6(text) && !text.includes('%') ? parseColoned(text) : undefined;
}

/** Writes words as `parseAddress` gives them; IPv6 in the canonical form of RFC 5952, IPv4-mapped as `::ffff:a.b.c.d`. */
export function formatAddress(words: readonly number[]): string {
  if (words.length === 1) return formatDotted(words[0]!);
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return `::ffff:${formatDotted(words[3]!)}`;
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The length of a contiguous mask; undefined for any other. */
export function prefixLength(mask: readonly number[]): number | undefined {
  const bits = mask.map((word) => word.toString(2).padStart(32, '0')).join('');
  const length = bits.lastIndexOf('1') + 1;
  return bits.slice(0, length).includes('0') ? undefined : length;
}

/** `10.0.0.0/8`, or `10.0.0.9/255.0.0.255` when the mask is not contiguous. */
export function formatPrefix(address: readonly number[], mask: readonly number[]): string {
  return `${formatAddress(address)}/${prefixLength(mask) ?? formatAddress(mask)}`;
}

function parseDotted(text: string): number {
  return text.split('.').reduce((word, part) => ((word << 8) | Number(part)) >>> 0, 0);
}

function formatDotted(word: number): string {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.');
}

function parseColoned(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const left = parseGroups(head);
  const right = tail === undefined ? [] : parseGroups(tail);
  const groups = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return [0, 2, 4, 6].map((index) => ((groups[index]! << 16) | groups[index + 1]!) >>> 0);
}

function parseGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const word = parseDotted(group);
    return [word >>> 16, word & 0xffff];
  });
}

/** The first longest run of zero groups. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  return best;
}
