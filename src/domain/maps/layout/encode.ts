/** What people write to bytes: keys and values as they are shown, and in shorter forms. */

import { isIP } from 'node:net';
import { UsageError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import { elementBase } from './decode.ts';
import { formatLayout, FORMATS, type Format } from './hints.ts';
import type { ArrayLayout, BitsLeaf, EnumLeaf, IntLeaf, Layout, Leaf, PrefixLayout, StructLayout } from './layout.ts';
import { parseEndpoint } from './endpoint.ts';

/** JSON as it was parsed; numbers that JavaScript would round are bigint. */
export type JsonValue = string | number | bigint | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/**
 * Bytes of a layout from what a user typed: a number, an address, a prefix, `u32:7`, `hex:0a000001`, `name=value …`, JSON, or bpftool's
 * `hex 0a 00 00 01` and bare bytes.
 *
 * `bytes` takes them where it is given: of the layout's size, and zero.
 *
 * @throws UsageError SL2605 saying what was expected
 */
export function encodeText(layout: Layout, text: string, what: string, bytes: Buffer = Buffer.alloc(layout.size)): Buffer {
  const word = text.trim();
  // The usual case of a file with a million lines.
  if (layout.kind === 'int' && layout.size !== 8 && /^\d{1,9}$/.test(word)) {
    writeSmall(layout, Number(word), bytes, what, word);
    return bytes;
  }
  if (!writeBytes(layout, word, bytes, what)) writeText(layout, word, bytes, 0, what);
  return bytes;
}

/** The same from JSON: an object of members, a list of elements, `{"hex": …}`, or a scalar in any written form. */
export function encodeJson(layout: Layout, value: JsonValue, what: string, bytes: Buffer = Buffer.alloc(layout.size)): Buffer {
  const hex = isObject(value) && typeof value['hex'] === 'string' && !hasMember(layout, 'hex') ? value['hex'] : undefined;
  if (hex !== undefined) writeHex(hex, bytes, what);
  // Text is taken as it is; other strings may be in any form that is typed.
  else if (typeof value === 'object' || layout.kind === 'text') writeJson(layout, value, bytes, 0, what);
  else encodeText(layout, String(value), what, bytes);
  return bytes;
}

function writeSmall({ size: length, signed, bigEndian }: IntLeaf, value: number, bytes: Buffer, what: string, text: string): void {
  if (value >= 2 ** (length * 8 - (signed ? 1 : 0))) throw wrong(what, text, `it does not fit ${length * 8} ${signed ? 'signed ' : ''}bits`);
  if (bigEndian) bytes.writeUIntBE(value, 0, length);
  else bytes.writeUIntLE(value, 0, length);
}

/** Forms that give the bytes themselves, whatever they mean; false where it is none of these. */
function writeBytes(layout: Layout, word: string, bytes: Buffer, what: string): boolean {
  const hex = /^hex[:\s]\s*(.*)$/is.exec(word)?.[1];
  if (hex !== undefined) return writeHex(hex.replace(/[\s:]|0x/g, ''), bytes, what);
  const [, format, rest] = /^([a-z]+\d*):(.*)$/s.exec(word) ?? [];
  const known = FORMATS.find((name) => name === format);
  if (known !== undefined) return writeFormatted(layout, known, rest!, bytes, what);
  // bpftool's way: one word a byte. A single byte is a number like any other.
  const words = word.split(/\s+/);
  if (words.length < 2 || words.length !== bytes.length || !words.every((byte) => /^(\d{1,3}|0x[\da-f]{1,2})$/i.test(byte) && Number(byte) < 256)) return false;
  bytes.set(words.map(Number));
  return true;
}

function writeFormatted(layout: Layout, format: Format, text: string, bytes: Buffer, what: string): boolean {
  const formatted = formatLayout(0, layout.size, format);
  if (formatted === undefined || formatted.kind === 'array') throw wrong(what, `${format}:${text}`, `it has ${size(layout.size)}, which is no ${format}`);
  writeText(formatted, text, bytes, 0, what);
  return true;
}

function writeHex(digits: string, bytes: Buffer, what: string): true {
  if (!/^([\da-f]{2})*$/i.test(digits)) throw wrong(what, digits, 'hex takes two digits for each byte');
  if (digits.length / 2 !== bytes.length) throw wrong(what, digits, `it has ${size(bytes.length)}, not ${digits.length / 2}`);
  bytes.write(digits, 'hex');
  return true;
}

function writeText(layout: Layout, text: string, bytes: Buffer, base: number, what: string): void {
  if (/^\s*[[{]/.test(text)) return writeJson(layout, parseJson(text, what), bytes, base, what);
  switch (layout.kind) {
    case 'prefix': return writePrefix(layout, text, bytes, base, what);
    case 'struct': return writeStructText(layout, text, bytes, base, what);
    case 'array': return writeElements(layout, text.split(/[\s,]+/), bytes, base, what);
    default: return writeScalar(layout, text, bytes, base, what);
  }
}

/** `a=1 b=2`, an endpoint such as `10.0.0.1:443/tcp`, or the value of the only member. */
function writeStructText(layout: StructLayout, text: string, bytes: Buffer, base: number, what: string): void {
  if (/^[\w.]+=/.test(text)) return writePairs(layout, text, bytes, base, what);
  const endpoint = parseEndpoint(layout, text);
  if (endpoint !== undefined) return writeJson(layout, endpoint, bytes, base, what);
  const [only, ...others] = layout.members.filter((member) => !isPadding(member.name));
  if (only !== undefined && others.length === 0) return writeText(only.layout, text, bytes, base, what);
  throw wrong(what, text, `it has members: ${layout.members.map(({ name }) => `${name}=…`).join(' ')}`);
}

function writePairs(layout: StructLayout, text: string, bytes: Buffer, base: number, what: string): void {
  const pairs = text.split(/[\s,]+(?=[\w.]+=)/).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  const tree: { [name: string]: JsonValue } = {};
  for (const [path, value] of pairs) {
    const steps = path.split('.');
    const last = steps.pop()!;
    const inside = steps.reduce<{ [name: string]: JsonValue }>((at, step) => (at[step] ??= {}) as { [name: string]: JsonValue }, tree);
    inside[last] = value;
  }
  writeJson(layout, tree, bytes, base, what);
}

function writeJson(layout: Layout, value: JsonValue, bytes: Buffer, base: number, what: string): void {
  if (layout.kind === 'struct' && isObject(value)) return writeMembers(layout.members, value, bytes, base, what);
  if (layout.kind === 'prefix' && isObject(value)) {
    const [length, address] = layout.names;
    return writeMembers([{ name: length, layout: layout.length }, { name: address, layout: layout.address }], value, bytes, base, what);
  }
  if (layout.kind === 'array' && Array.isArray(value)) return writeElements(layout, value, bytes, base, what);
  if (layout.kind === 'array' && isObject(value)) return writeElements(layout, Array.from({ length: layout.count }, (_, i) => value[String(i)] ?? null), bytes, base, what);
  if (typeof value === 'object' || (layout.kind === 'bool' && typeof value === 'string' && value === '')) throw wrong(what, JSON.stringify(value), `expected ${expected(layout)}`);
  writeText(layout, String(value), bytes, base, what);
}

/** All members have to be there but padding and, of a union, those that others stand for. */
function writeMembers(members: StructLayout['members'], value: { readonly [name: string]: JsonValue }, bytes: Buffer, base: number, what: string): void {
  const unknown = Object.keys(value).find((name) => !members.some((member) => member.name === name));
  if (unknown !== undefined) throw wrong(what, unknown, `there is no such member; there are: ${members.map(({ name }) => name).join(', ')}`);
  const given = members.filter(({ name }) => value[name] !== undefined);
  const missing = members.find(({ name, layout }) => value[name] === undefined && !isPadding(name) && !given.some((other) => overlaps(other.layout, layout)));
  if (missing !== undefined) throw wrong(what, given.map(({ name }) => name).join(', '), `${missing.name} is missing`);
  for (const { name, layout } of given) writeJson(layout, value[name]!, bytes, base, `${what}.${name}`);
}

const overlaps = (a: Layout, b: Layout): boolean => a.kind !== 'bits' && b.kind !== 'bits' && a.at < b.at + b.size && b.at < a.at + a.size;

const isPadding = (name: string): boolean => /^_*(pad|padding|reserved|unused)\w*$/i.test(name);

function writeElements(layout: ArrayLayout, values: readonly JsonValue[], bytes: Buffer, base: number, what: string): void {
  if (values.length !== layout.count) throw wrong(what, `${values.length} elements`, `it has ${layout.count}`);
  values.forEach((value, i) => writeJson(layout.element, value, bytes, elementBase(layout, base, i), `${what}.${i}`));
}

/** `10.0.0.0/8`, or an address for its whole length. */
function writePrefix({ length, address }: PrefixLayout, text: string, bytes: Buffer, base: number, what: string): void {
  const [host = '', bits] = text.split('/');
  const most = address.size * 8;
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)) throw wrong(what, text, `the length of a prefix is a number up to ${most}`);
  writeScalar(address, host, bytes, base, what);
  writeInteger(length, BigInt(bits ?? most), bytes, base, what, text);
}

function writeScalar(leaf: Leaf, text: string, bytes: Buffer, base: number, what: string): void {
  const at = base + leaf.at;
  const bad = (): UsageError => wrong(what, text, `expected ${expected(leaf)}`);
  switch (leaf.kind) {
    case 'int': return writeInt(leaf, text, bytes, base, what);
    case 'bits': return writeBits(leaf, integer(text) ?? fail(bad()), bytes, at, what);
    case 'enum': return writeEnum(leaf, text, bytes, base, what);
    case 'bool': return void bytes.writeUInt8(Number({ true: 1, false: 0, 1: 1, 0: 0 }[text.toLowerCase()] ?? fail(bad())), at);
    case 'float': return writeFloat(leaf.size, text, bytes, at, bad);
    case 'pointer': return writeInteger({ kind: 'int', at: leaf.at, size: 8, signed: false, bigEndian: false }, integer(text) ?? fail(bad()), bytes, base, what, text);
    case 'text': return writeString(leaf.size, text, bytes, at, what);
    case 'ipv4':
    case 'ipv6': return writeAddress(leaf.size, text, bytes, at) ? undefined : fail(bad());
    case 'mac': return /^([\da-f]{1,2}[:-]){5}[\da-f]{1,2}$/i.test(text) ? bytes.set(text.split(/[:-]/).map((part) => Number.parseInt(part, 16)), at) : fail(bad());
    case 'hex': return writeUntyped(leaf.size, text, bytes, at, what);
  }
}

/** A number, or the address that has as many bytes. */
function writeInt(leaf: IntLeaf, text: string, bytes: Buffer, base: number, what: string): void {
  if (leaf.size === 4 && isIP(text) === 4) return void writeAddress(4, text, bytes, base + leaf.at);
  const value = integer(text.replace(/^(.*)\/(tcp|udp|sctp)$/, leaf.size === 2 ? '$1' : '$&'));
  if (value === undefined) throw wrong(what, text, `expected ${expected(leaf)}`);
  writeInteger(leaf, value, bytes, base, what, text);
}

function writeInteger({ at, size: length, signed, bigEndian }: IntLeaf, value: bigint, bytes: Buffer, base: number, what: string, text: string): void {
  const bits = length * 8;
  if (value !== (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value))) throw wrong(what, text, `it does not fit ${bits} ${signed ? 'signed ' : ''}bits`);
  let rest = BigInt.asUintN(bits, value);
  for (let i = 0; i < length; i++, rest >>= 8n) bytes[base + at + (bigEndian ? length - 1 - i : i)] = Number(rest & 0xffn);
}

function writeBits({ size: length, shift, bits, signed }: BitsLeaf, value: bigint, bytes: Buffer, at: number, what: string): void {
  if (value !== (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value))) throw wrong(what, String(value), `it does not fit ${bits} bits`);
  let window = BigInt.asUintN(bits, value) << BigInt(shift);
  for (let i = 0; i < length; i++, window >>= 8n) bytes[at + i]! |= Number(window & 0xffn);
}

function writeEnum({ at, size: length, signed, names }: EnumLeaf, text: string, bytes: Buffer, base: number, what: string): void {
  const named = [...names].find(([, name]) => name === text)?.[0];
  const value = named ?? integer(text);
  if (value === undefined) throw wrong(what, text, `expected one of ${[...names.values()].slice(0, 12).join(', ')}, or a number`);
  writeInteger({ kind: 'int', at, size: length, signed: signed || value < 0n, bigEndian: false }, value, bytes, base, what, text);
}

function writeFloat(length: number, text: string, bytes: Buffer, at: number, bad: () => UsageError): void {
  const value = Number(text);
  if (text === '' || (Number.isNaN(value) && text !== 'NaN')) throw bad();
  if (length === 4) bytes.writeFloatLE(value, at);
  else bytes.writeDoubleLE(value, at);
}

function writeString(length: number, text: string, bytes: Buffer, at: number, what: string): void {
  const encoded = Buffer.from(text);
  if (encoded.length > length) throw wrong(what, text, `it has room for ${size(length)}`);
  encoded.copy(bytes, at);
}

function writeAddress(length: number, text: string, bytes: Buffer, at: number): boolean {
  const words = parseAddress(text);
  if (words === undefined || words.length * 4 !== length) return false;
  words.forEach((word, i) => bytes.writeUInt32BE(word, at + i * 4));
  return true;
}

/** Bytes about which nothing is known: an address of that size, or hex. */
function writeUntyped(length: number, text: string, bytes: Buffer, at: number, what: string): void {
  if (writeAddress(length, text, bytes, at)) return;
  const part = bytes.subarray(at, at + length);
  const prefix = length === 8 || length === 20 ? /^([\da-f.:]+)\/(\d{1,3})$/i.exec(text) : null;
  if (prefix !== null && writeAddress(length - 4, prefix[1]!, bytes, at + 4)) return void part.writeUInt32LE(Number(prefix[2]), 0);
  writeHex(text.replace(/^0x/i, ''), part, what);
}

/** Decimal, hexadecimal with 0x, or binary with 0b. */
function integer(text: string): bigint | undefined {
  const [, sign, digits] = /^([-+]?)(\d+|0x[\da-f]+|0b[01]+)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}

function parseJson(text: string, what: string): JsonValue {
  try {
    return parseExact(text);
  } catch (error) {
    throw wrong(what, text, `it is no JSON: ${(error as Error).message}`);
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** `JSON.parse` that keeps integers which a double cannot hold. @throws SyntaxError */
export const parseExact = (text: string): JsonValue =>
  // Looking at every value takes five times as long, and few texts have a number that needs it.
  (/(?<!["\w.])\d{16}/.test(text) ? parseWithSource(text) : (JSON.parse(text) as JsonValue));

const parseWithSource = (text: string): JsonValue =>
  JSON.parse(text, ((_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '') ? BigInt(source!) : value) satisfies Reviver as never) as JsonValue;

const isObject = (value: JsonValue): value is { readonly [name: string]: JsonValue } => typeof value === 'object' && value !== null && !Array.isArray(value);

const hasMember = (layout: Layout, name: string): boolean => layout.kind === 'struct' && layout.members.some((member) => member.name === name);

/** What a layout takes, for messages. */
function expected(layout: Layout): string {
  switch (layout.kind) {
    case 'int': return `a number of ${layout.size * 8} bits${layout.size === 4 ? ' or an IPv4 address' : ''}`;
    case 'bits': return `a number of ${layout.bits} bits`;
    case 'bool': return 'true or false';
    case 'float': return 'a number';
    case 'pointer': return 'an address of memory';
    case 'ipv4': return 'an IPv4 address';
    case 'ipv6': return 'an IPv6 address';
    case 'mac': return 'a hardware address';
    case 'struct': return `an object with ${layout.members.map(({ name }) => name).join(', ')}`;
    case 'array': return `a list of ${layout.count}`;
    default: return `${size(layout.size)}`;
  }
}

const size = (bytes: number): string => `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;

function fail(error: UsageError): never {
  throw error;
}

const wrong = (what: string, text: string, why: string): UsageError =>
  new UsageError(`${what} cannot be '${text.length > 80 ? `${text.slice(0, 80)}…` : text}': ${why}`, { code: 'SL2605', hints: ['write it as `bpf map dump` shows it, as JSON, or as hex:0a000001'] });
