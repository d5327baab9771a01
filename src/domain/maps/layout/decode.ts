/** Bytes to values: one reading for JSON, one for people. `base` is where the layout's 0 stands in the bytes. */

import { formatAddress } from '../../../lib/ip.ts';
import { sanitize } from '../../../lib/text.ts';
import type { ArrayLayout, BitsLeaf, EnumLeaf, IntLeaf, Layout, Leaf, StructLayout } from './layout.ts';

/** A scalar: numbers up to 32 bits, bigint for 64, text for addresses, pointers, names and plain bytes. */
export type Scalar = number | bigint | string | boolean;

/** What a layout's bytes mean, with the names of members as they stand in the source. */
export type Decoded = Scalar | readonly Decoded[] | { readonly [name: string]: Decoded };

/** The value for JSON. */
export function decode(layout: Layout, bytes: Buffer, base: number): Decoded {
  switch (layout.kind) {
    case 'struct': return decodeStruct(layout, bytes, base);
    case 'array': return Array.from({ length: layout.count }, (_, i) => decode(layout.element, bytes, elementBase(layout, base, i)));
    case 'prefix': return { [layout.names[0]]: scalarOf(layout.length, bytes, base), [layout.names[1]]: scalarOf(layout.address, bytes, base) };
    default: return scalarOf(layout, bytes, base);
  }
}

function decodeStruct({ members }: StructLayout, bytes: Buffer, base: number): Decoded {
  const entries = members.map(({ name, layout }): [string, Decoded] => [name, decode(layout, bytes, base)]);
  return Object.fromEntries(entries);
}

/** Where element `i` has its 0. */
export const elementBase = ({ at, size, count }: ArrayLayout, base: number, i: number): number => base + at + (size / count) * i;

/**
 * The value for people: a scalar as it is, a struct as `name=value` with paths for what lies deeper (`a.b=1`), an array of
 * scalars joined by commas.
 */
export function display(layout: Layout, bytes: Buffer, base: number): string {
  if (layout.kind === 'prefix') return `${String(scalarOf(layout.address, bytes, base))}/${String(scalarOf(layout.length, bytes, base))}`;
  if (isLine(layout)) return lineOf(layout as Leaf, bytes, base);
  return displayPairs(layout, bytes, base, '').join(' ');
}

function displayPairs(layout: Layout, bytes: Buffer, base: number, path: string): string[] {
  const inside = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (layout.kind === 'array' && layout.count === 0) return [];
  if (isLine(layout) && path !== '') return [`${path}=${lineOf(layout as Leaf, bytes, base)}`];
  if (layout.kind === 'struct') return layout.members.flatMap(({ name, layout: inner }) => displayPairs(inner, bytes, base, inside(name)));
  if (layout.kind === 'array') return Array.from({ length: layout.count }, (_, i) => displayPairs(layout.element, bytes, elementBase(layout, base, i), inside(String(i)))).flat();
  return [`${path}=${display(layout, bytes, base)}`];
}

/** Whether a layout is shown as one word: a scalar or an array of scalars. */
export const isLine = (layout: Layout): boolean => (layout.kind === 'array' ? isScalar(layout.element) : isScalar(layout));

const isScalar = (layout: Layout): layout is Leaf => layout.kind !== 'struct' && layout.kind !== 'array' && layout.kind !== 'prefix';

function lineOf(layout: Leaf | ArrayLayout, bytes: Buffer, base: number): string {
  if (layout.kind !== 'array') return textOf(scalarOf(layout, bytes, base));
  return Array.from({ length: layout.count }, (_, i) => textOf(scalarOf(layout.element as Leaf, bytes, elementBase(layout, base, i)))).join(',');
}

const textOf = (scalar: Scalar): string => (typeof scalar === 'string' ? sanitize(scalar) : String(scalar));

/** One scalar. */
export function scalarOf(leaf: Leaf, bytes: Buffer, base: number): Scalar {
  const at = base + leaf.at;
  switch (leaf.kind) {
    case 'int': return readInt(leaf, bytes, at);
    case 'bits': return readBits(leaf, bytes, at);
    case 'enum': return readEnum(leaf, bytes, at);
    case 'bool': return bytes.subarray(at, at + leaf.size).some((byte) => byte !== 0);
    case 'float': return readFloat(bytes, at, leaf.size);
    case 'pointer': return `0x${bytes.readBigUInt64LE(at).toString(16)}`;
    case 'text': return readText(bytes, at, leaf.size);
    case 'hex': return bytes.toString('hex', at, at + leaf.size);
    case 'ipv4': return formatAddress([bytes.readUInt32BE(at)]);
    case 'ipv6': return formatAddress([0, 4, 8, 12].map((offset) => bytes.readUInt32BE(at + offset)));
    case 'mac': return bytes.toString('hex', at, at + 6).replace(/..(?!$)/g, '$&:');
  }
}

function readInt({ size, signed, bigEndian }: IntLeaf, bytes: Buffer, at: number): number | bigint {
  if (size !== 8) {
    if (bigEndian) return signed ? bytes.readIntBE(at, size) : bytes.readUIntBE(at, size);
    return signed ? bytes.readIntLE(at, size) : bytes.readUIntLE(at, size);
  }
  const value = bigEndian ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at);
  return signed ? BigInt.asIntN(64, value) : value;
}

function readBits({ size, shift, bits, signed }: BitsLeaf, bytes: Buffer, at: number): number | bigint {
  let window = 0n;
  for (let i = size - 1; i >= 0; i--) window = (window << 8n) | BigInt(bytes[at + i]!);
  const value = signed ? BigInt.asIntN(bits, window >> BigInt(shift)) : BigInt.asUintN(bits, window >> BigInt(shift));
  return bits <= 32 ? Number(value) : value;
}

/** The name, or the number where it has none. */
function readEnum({ size, signed, names }: EnumLeaf, bytes: Buffer, at: number): Scalar {
  const number = readInt({ kind: 'int', at: 0, size, signed, bigEndian: false }, bytes, at);
  return names.get(BigInt(number)) ?? number;
}

/** A number that JSON has no form for is given as text. */
function readFloat(bytes: Buffer, at: number, size: number): Scalar {
  const value = size === 4 ? bytes.readFloatLE(at) : bytes.readDoubleLE(at);
  return Number.isFinite(value) ? value : String(value);
}

function readText(bytes: Buffer, at: number, size: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end < 0 || end > at + size ? at + size : end);
}
