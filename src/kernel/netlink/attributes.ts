/** Attributes of netlink messages: reading them where they lie, and writing those that the codecs of the package do not know. */

import { AttrStream } from 'netlink/dist/structs.js';
import { OperationError } from '../../lib/errors.ts';

/** An attribute by its number, for `encode`. */
export type RawAttribute = readonly [type: number, value: Uint8Array];

const HEADER = 4;
/** Drops NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;

/** Rounds up to the 4 bytes that everything in netlink begins at. */
export const align = (length: number): number => (length + 3) & ~3;

/**
 * Visits every attribute between two offsets, known or not, without copying; `start` and `end` are those of its value.
 *
 * @throws OperationError SL2702 for a length that does not fit.
 */
export function walk(bytes: Buffer, from: number, to: number, visit: (type: number, start: number, end: number) => void): void {
  for (let at = from; at + HEADER <= to;) {
    const length = bytes.readUInt16LE(at);
    if (length < HEADER || at + length > to) throw new OperationError(`netlink attribute of ${length} bytes at ${at}`, { code: 'SL2702' });
    visit(bytes.readUInt16LE(at + 2) & TYPE_MASK, at + HEADER, at + length);
    at += align(length);
  }
}

/** Every attribute of a value with nested ones, as copies by number; the last of a number wins. */
export function readAttributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  walk(bytes, 0, bytes.length, (type, start, end) => found.set(type, Buffer.from(bytes.subarray(start, end))));
  return found;
}

/** One value that holds these attributes. */
export function nest(attributes: readonly RawAttribute[]): Buffer {
  const out = new AttrStream();
  for (const [type, value] of attributes) out.push(type, value);
  return Buffer.concat(out.bufs);
}

/** A message body in the package's own form, and behind it the attributes that the package does not know. */
export function encode<T>(format: (message: T, out: AttrStream) => void, message: T, extra: readonly RawAttribute[] = []): Buffer {
  const out = new AttrStream();
  format(message, out);
  for (const [type, value] of extra) out.push(type, value);
  return Buffer.concat(out.bufs);
}

/** A 16-bit number in network byte order, as ports are. */
export function u16be(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** A 32-bit number in host byte order. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** Text with its NUL. */
export const cString = (text: string): Buffer => Buffer.from(`${text}\0`);

/** A copy of what lies between two offsets. `Buffer.from` takes twice as long for something so small. */
export function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

/** Text between two offsets, without its NUL. */
export const readText = (bytes: Buffer, start: number, end: number): string => bytes.toString('utf8', start, bytes[end - 1] === 0 ? end - 1 : end);
