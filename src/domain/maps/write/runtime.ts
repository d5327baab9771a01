/**
 * What assembled writers call. Each function writes at `to` and returns where its text ends; some write up to eight bytes more,
 * which the next one overwrites.
 */

import { formatAddress } from '../../../lib/ip.ts';
import { sanitize } from '../../../lib/text.ts';
import { writeDecimal, writeSigned } from './decimal.ts';
import { textWithin } from './json.ts';
import { Step, TextMode } from './program.ts';

export { writeDecimal, writeSigned, writeSigned64, writeUnsigned64 } from './decimal.ts';

/** Two digits of each byte, as they lie in memory. */
export const HEX = new Uint16Array(256);

/** `0.` to `255.` as they lie in memory, and how many characters that is. */
const OCTETS = new Uint32Array(256);
const LENGTHS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const digits = '0123456789abcdef';
  HEX[byte] = digits.charCodeAt(byte >> 4) | (digits.charCodeAt(byte & 15) << 8);
  const text = `${byte}.`;
  LENGTHS[byte] = text.length;
  for (let i = 0; i < text.length; i++) OCTETS[byte]! |= text.charCodeAt(i) << (8 * i);
}
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Two digits a byte. */
export function writeHex(_out: DataView, to: number, text: Buffer, source: DataView, at: number, size: number): number {
  return to + text.write(bytesOf(source, at, size).toString('hex'), to, 'latin1');
}

/** An IPv4 address in network order. */
export function writeIpv4(out: DataView, start: number, source: DataView, at: number): number {
  let to = start;
  for (let i = 0; i < 4; i++) {
    const byte = source.getUint8(at + i);
    out.setUint32(to, OCTETS[byte]!, true);
    to += LENGTHS[byte]!;
  }
  return to - 1;
}

/** An IPv6 address, in the canonical form of RFC 5952. */
export const writeIpv6 = (_out: DataView, to: number, text: Buffer, source: DataView, at: number): number =>
  to + text.write(formatAddress([source.getUint32(at), source.getUint32(at + 4), source.getUint32(at + 8), source.getUint32(at + 12)]), to, 'latin1');

/** A hardware address. */
export function writeMac(out: DataView, to: number, source: DataView, at: number): number {
  for (let i = 0; i < 6; i++) {
    out.setUint16(to + i * 3, HEX[source.getUint8(at + i)]!, true);
    out.setUint8(to + i * 3 + 2, 0x3a);
  }
  return to + 17;
}

/** A bit field of at most 32 bits, from bit `shift` of `size` bytes. */
export const writeBits = (out: DataView, to: number, source: DataView, at: number, size: number, shift: number, bits: number): number =>
  writeDecimal(out, to, readBits(source, at, size, shift, bits));

/** The same with a sign. */
export function writeSignedBits(out: DataView, to: number, source: DataView, at: number, size: number, shift: number, bits: number): number {
  const value = readBits(source, at, size, shift, bits);
  return writeSigned(out, to, value >= 2 ** (bits - 1) ? value - 2 ** bits : value);
}

function readBits(source: DataView, at: number, size: number, shift: number, bits: number): number {
  let window = 0;
  for (let i = size - 1; i >= 0; i--) window = window * 256 + source.getUint8(at + i);
  return Math.floor(window / 2 ** shift) % 2 ** bits;
}

/** `true` where any byte is not zero. */
export function writeBool(_out: DataView, to: number, text: Buffer, source: DataView, at: number, size: number): number {
  let bits = 0;
  for (let i = at; i < at + size; i++) bits |= source.getUint8(i);
  return writeAscii(text, to, bits === 0 ? 'false' : 'true');
}

/**
 * The name of a number, in quotes where they are asked for; a number that has none stands bare. Notes in `starts` where the text is
 * without its quotes.
 */
export function writeEnum(
  out: DataView, start: number, text: Buffer, names: ReadonlyMap<number, string>, how: number, quotes: number, source: DataView, at: number, starts: Int32Array, slot: number,
): number {
  const value = readEnum(how, source, at);
  const name = names.get(value);
  const to = start + (name === undefined ? 0 : quotes);
  const end = name === undefined ? writeSigned(out, to, value) : writeAscii(text, to, name);
  starts[slot] = to;
  starts[slot + 1] = end;
  if (to === start) return end;
  text[start] = QUOTE;
  text[end] = QUOTE;
  return end + 1;
}

function readEnum(how: number, source: DataView, at: number): number {
  switch (how) {
    case Step.U8: return source.getUint8(at);
    case Step.S8: return source.getInt8(at);
    case Step.U16: return source.getUint16(at, true);
    case Step.S16: return source.getInt16(at, true);
    case Step.U32: return source.getUint32(at, true);
    default: return source.getInt32(at, true);
  }
}

/** An address of memory. */
export function writePointer(_out: DataView, to: number, text: Buffer, source: DataView, at: number): number {
  const high = source.getUint32(at + 4, true);
  const low = source.getUint32(at, true);
  return writeAscii(text, to, high === 0 ? `0x${low.toString(16)}` : `0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`);
}

/** A string up to its NUL. Printable ASCII without quotes goes straight; anything else through a JavaScript string. */
export function writeString(_out: DataView, start: number, text: Buffer, source: DataView, at: number, size: number, mode: number): number {
  let to = start;
  for (let i = at; i < at + size; i++) {
    const byte = source.getUint8(i);
    if (byte === 0) return to;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return start + text.write(escapeString(bytesOf(source, at, size), mode), start);
    text[to++] = byte;
  }
  return to;
}

function escapeString(bytes: Buffer, mode: number): string {
  const nul = bytes.indexOf(0);
  const string = bytes.toString('utf8', 0, nul < 0 ? bytes.length : nul);
  if (mode === TextMode.JSON) return JSON.stringify(string).slice(1, -1);
  return mode === TextMode.DISPLAY ? sanitize(string) : textWithin(string);
}

/** Text that was written before. */
export function writeCopy(out: DataView, start: number, from: number, end: number): number {
  for (let at = from, to = start; at < end; at += 8, to += 8) out.setFloat64(to, out.getFloat64(at, true), true);
  return start + end - from;
}

function writeAscii(text: Buffer, start: number, string: string): number {
  for (let i = 0; i < string.length; i++) text[start + i] = string.charCodeAt(i);
  return start + string.length;
}

const bytesOf = ({ buffer, byteOffset }: DataView, at: number, size: number): Buffer => Buffer.from(buffer as ArrayBuffer, byteOffset + at, size);
