/**
 * Runs a program for many entries: bytes in, text out, into one Buffer at computed places. Nothing is allocated for an entry that
 * the steps know; fixed text and copies move eight bytes at once, past their end where the next step writes anyway.
 */

import { sanitize } from '../../../lib/text.ts';
import { writeDecimal, writeSigned, writeUnsigned64 } from './decimal.ts';
import { writeIpv4, writeIpv6 } from './address.ts';
import { textWithin } from './json.ts';
import { Step, STRIDE, TextMode, type Program } from './program.ts';

/** Entries of which some are written; key i starts at `i * keySize`, value i at `i * valueBytes`. */
export interface Entries {
  keys: Buffer;
  values: Buffer;
  keySize: number;
  valueBytes: number;
}

/** Text of rows. `ends` has where each cell ends, for programs with cells. */
export interface Rows {
  bytes: Buffer;
  ends: Int32Array;
  count: number;
}

/** Room behind the last byte for what eight-byte steps write too much. */
const SLACK = 16;
/** Bytes that are written before they are handed out. */
const TARGET_BYTES = 1 << 22;

export class RowWriter {
  /** Rows that one call takes. */
  readonly capacity: number;
  readonly #program: Program;
  readonly #out: Buffer;
  readonly #view: DataView;
  readonly #ends: Int32Array;
  readonly #starts: Int32Array;

  constructor(program: Program, targetBytes: number = TARGET_BYTES) {
    this.#program = program;
    this.capacity = Math.max(1, Math.floor(targetBytes / program.maxBytes));
    this.#out = Buffer.allocUnsafeSlow(this.capacity * program.maxBytes + SLACK);
    this.#view = viewOf(this.#out);
    this.#ends = new Int32Array(this.capacity * program.cells);
    // Where each step of the row began and ended, for those that copy.
    this.#starts = new Int32Array((program.code.length / STRIDE) * 2);
  }

  /** Writes entries `from` to `to`, at most `capacity`; with `rows` those whose numbers stand there. The Buffer is used again by the next call. */
  write(entries: Entries, from: number, to: number, rows?: Uint32Array): Rows {
    const { code, valueSteps, literals, enums, functions } = this.#program;
    const [out, text, ends, starts] = [this.#view, this.#out, this.#ends, this.#starts];
    const [keys, values] = [viewOf(entries.keys), viewOf(entries.values)];
    const { keySize, valueBytes } = entries;
    const [split, last] = [valueSteps * STRIDE, code.length];
    let end = 0;
    let cell = 0;
    for (let i = from; i < to; i++) {
      const row = rows === undefined ? i : rows[i]!;
      let base = row * keySize;
      let source = keys;
      let slot = 0;
      for (let step = 0; step < last; step += STRIDE, slot += 2) {
        if (step === split) {
          base = row * valueBytes;
          source = values;
        }
        const fixed = end + code[step + 2]!;
        for (let word = code[step + 1]!; end < fixed; end += 8, word++) out.setFloat64(end, literals[word]!, true);
        end = fixed;
        const at = base + code[step + 3]!;
        starts[slot] = end;
        switch (code[step]) {
          case 1/* HEX */: end = writeHex(text, out, end, source, at, code[step + 4]!); break;
          case 2/* U8 */: end = writeDecimal(out, end, source.getUint8(at)); break;
          case 3/* U16 */: end = writeDecimal(out, end, source.getUint16(at, true)); break;
          case 4/* U32 */: end = writeDecimal(out, end, source.getUint32(at, true)); break;
          case 5/* U64 */: end = writeUnsigned64(out, end, source.getUint32(at + 4, true), source.getUint32(at, true)); break;
          case 6/* S8 */: end = writeSigned(out, end, source.getInt8(at)); break;
          case 7/* S16 */: end = writeSigned(out, end, source.getInt16(at, true)); break;
          case 8/* S32 */: end = writeSigned(out, end, source.getInt32(at, true)); break;
          case 9/* S64 */: end = writeSigned64(out, end, source.getInt32(at + 4, true), source.getUint32(at, true)); break;
          case 10/* BE16 */: end = writeDecimal(out, end, source.getUint16(at)); break;
          case 11/* BE32 */: end = writeDecimal(out, end, source.getUint32(at)); break;
          case 12/* BE64 */: end = writeUnsigned64(out, end, source.getUint32(at), source.getUint32(at + 4)); break;
          case 13/* BITS */: end = writeDecimal(out, end, bitsAt(source, at, code[step + 4]!, code[step + 5]!)); break;
          case 14/* BITS_SIGNED */: end = writeSigned(out, end, signBits(bitsAt(source, at, code[step + 4]!, code[step + 5]!), code[step + 5]! & 63)); break;
          case 15/* BOOL */: end = writeAscii(text, end, isZero(source, at, code[step + 4]!) ? 'false' : 'true'); break;
          case 16/* ENUM */: end = this.#writeEnum(enums[code[step + 4]!]!, code[step + 5]!, source, at, end, slot); continue;
          case 17/* POINTER */: end = writePointer(text, end, source, at); break;
          case 18/* IPV4 */: end = writeIpv4(out, end, source, at); break;
          case 19/* IPV6 */: end = writeIpv6(text, end, source, at); break;
          case 20/* MAC */: end = writeMac(out, end, source, at); break;
          case 21/* STRING */: end = writeString(text, end, source, at, code[step + 4]!, code[step + 5]!); break;
          case 22/* COPY */: end = copy(out, end, starts[code[step + 4]! * 2]!, starts[code[step + 4]! * 2 + 1]!); break;
          case 23/* FUNCTION */: end += text.write(functions[code[step + 4]!]!(step < split ? entries.keys : entries.values, base), end); break;
          case 24/* CELL */: ends[cell++] = end; break;
          default: break;
        }
        starts[slot + 1] = end;
      }
    }
    return { bytes: text.subarray(0, end), ends: ends.subarray(0, cell), count: to - from };
  }

  /** The name, in quotes where they are asked for; a number that has none stands bare. What is copied later is without quotes. */
  #writeEnum(names: ReadonlyMap<number, string>, how: number, source: DataView, at: number, start: number, slot: number): number {
    const value = enumValue(how >> 1, source, at);
    const name = names.get(value);
    if (name === undefined) return (this.#starts[slot + 1] = writeSigned(this.#view, start, value));
    const quotes = how & 1;
    if (quotes === 1) this.#out[start] = 0x22;
    this.#starts[slot] = start + quotes;
    const end = writeAscii(this.#out, start + quotes, name);
    this.#starts[slot + 1] = end;
    if (quotes === 1) this.#out[end] = 0x22;
    return end + quotes;
  }
}

const bufferOf = ({ buffer, byteOffset }: DataView, at: number, size: number): Buffer => Buffer.from(buffer as ArrayBuffer, byteOffset + at, size);

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Two digits of each byte, as they lie in memory. */
const HEX = Uint16Array.from({ length: 256 }, (_, byte) => Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16LE(0));

function writeHex(text: Buffer, out: DataView, start: number, source: DataView, at: number, size: number): number {
  if (size > 64) return start + text.write(bufferOf(source, at, size).toString('hex'), start, 'latin1');
  let to = start;
  for (let i = at; i < at + size; i++, to += 2) out.setUint16(to, HEX[source.getUint8(i)]!, true);
  return to;
}

function writeSigned64(out: DataView, start: number, high: number, low: number): number {
  if (high >= 0) return writeUnsigned64(out, start, high, low);
  out.setUint8(start, 0x2d);
  return low === 0 ? writeUnsigned64(out, start + 1, -high, 0) : writeUnsigned64(out, start + 1, ~high, 2 ** 32 - low);
}

/** `size` bytes as one number, of which `how` names the shift and the bits. */
function bitsAt(source: DataView, at: number, size: number, how: number): number {
  let window = 0;
  for (let i = size - 1; i >= 0; i--) window = window * 256 + source.getUint8(at + i);
  const bits = how & 63;
  return Math.floor(window / 2 ** (how >> 6)) % 2 ** bits;
}

const signBits = (value: number, bits: number): number => (value >= 2 ** (bits - 1) ? value - 2 ** bits : value);

function isZero(source: DataView, at: number, size: number): boolean {
  for (let i = at; i < at + size; i++) if (source.getUint8(i) !== 0) return false;
  return true;
}

function enumValue(what: number, source: DataView, at: number): number {
  switch (what) {
    case Step.U8: return source.getUint8(at);
    case Step.S8: return source.getInt8(at);
    case Step.U16: return source.getUint16(at, true);
    case Step.S16: return source.getInt16(at, true);
    case Step.U32: return source.getUint32(at, true);
    default: return source.getInt32(at, true);
  }
}

function writePointer(text: Buffer, start: number, source: DataView, at: number): number {
  const high = source.getUint32(at + 4, true);
  const low = source.getUint32(at, true);
  return writeAscii(text, start, high === 0 ? `0x${low.toString(16)}` : `0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`);
}

function writeMac(out: DataView, start: number, source: DataView, at: number): number {
  for (let i = 0; i < 6; i++) {
    out.setUint16(start + i * 3, HEX[source.getUint8(at + i)]!, true);
    out.setUint8(start + i * 3 + 2, 0x3a);
  }
  return start + 17;
}

/** Up to its NUL. Printable ASCII without quotes goes straight; anything else through a string. */
function writeString(text: Buffer, start: number, source: DataView, at: number, size: number, mode: number): number {
  let to = start;
  for (let i = at; i < at + size; i++) {
    const byte = source.getUint8(i);
    if (byte === 0) return to;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return start + text.write(escapeString(bufferOf(source, at, size), mode), start);
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

function writeAscii(text: Buffer, start: number, string: string): number {
  for (let i = 0; i < string.length; i++) text[start + i] = string.charCodeAt(i);
  return start + string.length;
}

function copy(out: DataView, start: number, from: number, end: number): number {
  for (let at = from, to = start; at < end; at += 8, to += 8) out.setFloat64(to, out.getFloat64(at, true), true);
  return start + end - from;
}

