/** The value of a variable as people write it, by its type. */

import { Kind, type Btf, type BtfType } from '../../btf/index.ts';

/**
 * Bytes of a value, little endian; undefined for text that is no value of the type.
 *
 *   integer   7, -1, 0x1f, 'a', and 10.0.0.1 for four bytes in network order      bool   true, false, 1, 0
 *   enum      a name or a number                                                  array  1,2,3, rest 0; text for one of char
 *   any       hex:0a000001 for all of its bytes
 */
export function parseValue(btf: Btf, id: number, text: string): Buffer | undefined {
  const size = btf.sizeOf(id);
  if (/^hex:([0-9a-f]{2})+$/i.test(text)) return Buffer.from(text.slice(4), 'hex');
  const type = btf.resolve(id);
  switch (type.kind) {
    case Kind.INT: return parseInteger(btf, type, size, text);
    case Kind.ENUM:
    case Kind.ENUM64: return parseEnum(btf, type, size, text);
    case Kind.ARRAY: return parseArray(btf, type, size, text);
    default: return undefined;
  }
}

function parseInteger(btf: Btf, type: BtfType, size: number, text: string): Buffer | undefined {
  const word = ['false', 'true'].indexOf(text);
  if (word >= 0) return littleEndian(BigInt(word), size, false);
  if (size === 1 && /^'.'$/.test(text)) return Buffer.from(text[1]!, 'latin1');
  const address = size === 4 ? parseAddress(text) : undefined;
  if (address !== undefined) return address;
  return isNumber(text) ? littleEndian(numberOf(text), size, btf.isSigned(type)) : undefined;
}

function parseEnum(btf: Btf, type: BtfType, size: number, text: string): Buffer | undefined {
  const named = btf.enumerators(type).find(({ name }) => name === text)?.value;
  if (named === undefined && !isNumber(text)) return undefined;
  return littleEndian(named ?? numberOf(text), size, btf.isSigned(type));
}

function parseArray(btf: Btf, type: BtfType, size: number, text: string): Buffer | undefined {
  const { element } = btf.array(type);
  const bytes = Buffer.alloc(size);
  if (btf.resolve(element).name === 'char') {
    // Room for the NUL.
    return Buffer.byteLength(text) < size ? (bytes.write(text), bytes) : undefined;
  }
  const parts = text.split(',').map((part) => parseValue(btf, element, part.trim()));
  if (parts.some((part) => part === undefined) || parts.length * btf.sizeOf(element) > size) return undefined;
  Buffer.concat(parts as Buffer[]).copy(bytes);
  return bytes;
}

const isNumber = (text: string): boolean => /^-?(0x[0-9a-f]+|\d+)$/i.test(text);

const numberOf = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** Dotted quad, in network byte order. */
function parseAddress(text: string): Buffer | undefined {
  const parts = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : [];
  return parts.length === 4 && parts.every((part) => part <= 255) ? Buffer.from(parts) : undefined;
}

/** A number that may be written with either sign as long as its bits fit: -1 and 0xff are the same byte. */
function littleEndian(value: bigint, size: number, signed: boolean): Buffer | undefined {
  const bits = size * 8;
  const fits = BigInt.asUintN(bits, value) === value || (signed && BigInt.asIntN(bits, value) === value);
  if (!fits || size > 8) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, size);
}
