/** Addresses as text. Each function returns where its text ends, and may write some bytes more. */

import { formatAddress } from '../../../lib/ip.ts';

/** `0.` to `255.` as they lie in memory, and how many characters that is. */
const OCTETS = Uint32Array.from({ length: 256 }, (_, byte) => Buffer.from(`${byte}.`.padEnd(4)).readUInt32LE(0));
const LENGTHS = Uint8Array.from({ length: 256 }, (_, byte) => `${byte}.`.length);

export function writeIpv4(out: DataView, start: number, source: DataView, at: number): number {
  let to = start;
  for (let i = 0; i < 4; i++) {
    const byte = source.getUint8(at + i);
    out.setUint32(to, OCTETS[byte]!, true);
    to += LENGTHS[byte]!;
  }
  return to - 1;
}

/** In the canonical form of RFC 5952. */
export function writeIpv6(text: Buffer, start: number, source: DataView, at: number): number {
  return start + text.write(formatAddress([source.getUint32(at), source.getUint32(at + 4), source.getUint32(at + 8), source.getUint32(at + 12)]), start, 'latin1');
}
