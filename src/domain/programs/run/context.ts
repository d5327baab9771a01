import { UsageError } from '../../../lib/errors.ts';

/** Fields of a context structure, in bytes, little endian as on every machine that sluice runs on. */
export interface ContextLayout {
  bytes: number;
  fields: Readonly<Record<string, ContextField>>;
}

export interface ContextField {
  at: number;
  bytes: 1 | 4 | 8;
  /** Values that have names. */
  names?: Readonly<Record<string, number>>;
}

/** Sets `NAME=VALUE` fields. @throws UsageError SL2561 for a field that cannot be set, or a value that does not fit */
export function setFields(context: Buffer, { fields }: ContextLayout, words: readonly string[]): void {
  for (const word of words) {
    const [, name = '', value = ''] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) throw wrong(word, `write NAME=VALUE with one of ${Object.keys(fields).join(', ')}`);
    writeNumber(context, field, readNumber(word, value, field));
  }
}

function readNumber(word: string, text: string, { bytes, names }: ContextField): bigint {
  const value = names !== undefined && Object.hasOwn(names, text) ? BigInt(names[text]!) : parseInteger(text);
  const expected = names === undefined ? `a number of ${bytes} bytes` : `one of ${Object.keys(names).join(', ')}`;
  if (value === undefined || value >= 1n << BigInt(bytes * 8)) throw wrong(word, `it takes ${expected}`);
  return value;
}

/** The arguments of a raw tracepoint: numbers, 8 bytes each. @throws UsageError SL2561 */
export function packArguments(words: readonly string[]): Buffer {
  const bytes = Buffer.alloc(words.length * 8);
  words.forEach((word, i) => {
    const value = parseInteger(word);
    if (value === undefined || value >= 1n << 64n) throw wrong(word, 'arguments are numbers of 8 bytes');
    bytes.writeBigUInt64LE(value, i * 8);
  });
  return bytes;
}

/** A whole number that is not negative, decimal or 0x…. */
const parseInteger = (text: string): bigint | undefined => (/^(0x[0-9a-f]+|\d+)$/i.test(text) ? BigInt(text) : undefined);

/** Values of some fields by name. */
export const readFields = (context: Buffer, { fields }: ContextLayout, names: readonly string[]): Map<string, string> =>
  new Map(names.map((name) => [name, String(readField(context, fields[name]!))]));

function readField(context: Buffer, { at, bytes }: ContextField): bigint {
  if (bytes === 8) return context.readBigUInt64LE(at);
  return BigInt(bytes === 4 ? context.readUInt32LE(at) : context.readUInt8(at));
}

function writeNumber(context: Buffer, { at, bytes }: ContextField, value: bigint): void {
  if (bytes === 8) context.writeBigUInt64LE(value, at);
  else context.writeUIntLE(Number(value), at, bytes);
}

const wrong = (word: string, why: string): UsageError => new UsageError(`--ctx ${word}: ${why}`, { code: 'SL2561' });
