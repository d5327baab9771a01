/** Addresses between their text and the bytes on the wire, fast enough for tables of 100,000 entries. */

import { UsageError } from '../../lib/errors.ts';
import { formatAddress, parseAddress } from '../../lib/ip.ts';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2})+$/i;

/** `10.0.0.1`, `fd00::1`; other lengths as hexadecimal. */
export function readIp(bytes: Buffer, start: number, end: number): string {
  if (end - start === 4) return `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`;
  if (end - start === 16) return formatAddress([0, 4, 8, 12].map((at) => bytes.readUInt32BE(start + at)));
  return bytes.toString('hex', start, end);
}

/** `02:00:00:00:00:01`, of any length. */
export function readMac(bytes: Buffer, start: number, end: number): string {
  if (start === end) return '';
  let text = HEX[bytes[start]!]!;
  for (let at = start + 1; at < end; at++) text += `:${HEX[bytes[at]!]!}`;
  return text;
}

/** The 4 or 16 bytes of an address. @throws UsageError when it is none. */
export function ipBytes(text: string): Buffer {
  const words = parseAddress(text);
  if (words === undefined) throw new UsageError(`${text} is no IP address`);
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32BE(word, index * 4));
  return bytes;
}

/** The bytes of a hardware address. @throws UsageError when it is none. */
export function macBytes(text: string): Buffer {
  if (!MAC.test(text)) throw new UsageError(`${text} is no MAC address`);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}
