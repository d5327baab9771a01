import { formatAddress, parseAddress } from './ip.ts';

/** A network: its first address as words in host order (see `parseAddress`), and the length of its prefix. */
export interface Cidr {
  words: readonly number[];
  length: number;
}

/**
 * Reads `10.244.1.0/24` or `fd00:244:1::/64`.
 *
 * Undefined when it is not written like that; bits beyond the prefix are kept, see `hasHostBits`.
 */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const words = match === null ? undefined : parseAddress(match[1]!);
  const length = Number(match?.[2]);
  return words === undefined || length > words.length * 32 ? undefined : { words, length };
}

/** The text that `parseCidr` reads, with the address canonical. */
export const formatCidr = ({ words, length }: Cidr): string => `${formatAddress(words)}/${length}`;

/** The network itself, without the bits beyond its prefix. */
export const networkOf = ({ words, length }: Cidr): Cidr => ({ words: words.map((word, i) => (word & maskWord(length, i)) >>> 0), length });

/** Whether there are bits beyond the prefix, as in `10.244.1.5/24`. */
export const hasHostBits = (cidr: Cidr): boolean => networkOf(cidr).words.some((word, i) => word !== cidr.words[i]);

/** Whether two networks have an address in common: one of them then holds the other. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  const length = Math.min(a.length, b.length);
  return a.words.length === b.words.length && a.words.every((word, i) => ((word ^ b.words[i]!) & maskWord(length, i)) === 0);
}

/** Orders by family, first address and prefix length, so that a network comes before those inside it. */
export function compareCidrs(a: Cidr, b: Cidr): number {
  const differs = a.words.findIndex((word, i) => word !== b.words[i]);
  return a.words.length - b.words.length || (differs < 0 ? 0 : a.words[differs]! - b.words[differs]!) || a.length - b.length;
}

/** Bits of the word at `index` that belong to a prefix. */
function maskWord(length: number, index: number): number {
  const bits = Math.min(32, Math.max(0, length - index * 32));
  // A shift by 32 is one by 0.
  return bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
}
