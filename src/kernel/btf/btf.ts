import { isAscii } from 'node:buffer';
import { damaged } from './damaged.ts';
import { NameIndex, stringOffsets } from './strings.ts';

/** BTF_KIND_* of linux/btf.h */
export const Kind = {
  VOID: 0, INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, FWD: 7, TYPEDEF: 8, VOLATILE: 9, CONST: 10, RESTRICT: 11,
  FUNC: 12, FUNC_PROTO: 13, VAR: 14, DATASEC: 15, FLOAT: 16, DECL_TAG: 17, TYPE_TAG: 18, ENUM64: 19,
} as const;

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
/** Lookups of a kind that go through all types each, before its names are indexed. */
const SCANS = 12;
/** Words behind the three header words of a type, by kind, without members. */
const FIXED = byKind({ [Kind.INT]: 1, [Kind.ARRAY]: 3, [Kind.VAR]: 1, [Kind.DECL_TAG]: 1 });
/** BTF_INT_* */
const ENCODINGS: Readonly<Record<number, string>> = { 1: 'SIGNED', 2: 'CHAR', 4: 'BOOL' };
/** Words of each member. */
const PER_MEMBER = byKind({ [Kind.STRUCT]: 3, [Kind.UNION]: 3, [Kind.ENUM]: 2, [Kind.FUNC_PROTO]: 2, [Kind.DATASEC]: 3, [Kind.ENUM64]: 3 });
/** Qualifiers and typedefs behind each other, and arrays in arrays, that are followed; more is a circle. */
const MAX_DEPTH = 32;
/** Twice what the kernel takes for a name; more of a string is left out, as thousands of types may share it. */
const MAX_STRING = 1024;

export interface BtfType {
  readonly id: number;
  readonly kind: number;
  readonly name: string;
  /** Number of members, or the linkage of a function. */
  readonly vlen: number;
  /** A struct with bit fields, a signed enum, a union behind a forward declaration. */
  readonly flag: boolean;
  /** Size in bytes, or the id of the type referred to. */
  readonly sizeOrType: number;
}

const VOID: BtfType = { id: 0, kind: Kind.VOID, name: '', vlen: 0, flag: false, sizeOrType: 0 };

/** A member of a struct or union. `bitSize` is 0 unless it is a bit field. */
export interface Member {
  name: string;
  type: number;
  bitOffset: number;
  bitSize: number;
}

/** A variable of a section; `offset` is 0 where the compiler leaves it to the linker. */
export interface SectionVariable {
  type: number;
  offset: number;
  size: number;
}

/**
 * The types of one BTF blob by id, from 1; 0 is void. Indexed once, read on demand.
 *
 * Split BTF, as modules have it, stands on top of a base: its ids and string offsets go on where those of the base end, and
 * it answers for both.
 *
 * An id that does not exist reads as void, so that a damaged blob leads to "no such member", not to a crash.
 */
export class Btf {
  readonly source: string;
  /** What a split BTF stands on. */
  readonly base: Btf | undefined;
  /** The first id that is not the base's. */
  readonly firstId: number;
  readonly #words: Uint32Array;
  readonly #strings: Buffer;
  /** All strings as one, made when the first is read; undefined where bytes and characters are not the same. */
  #text: string | undefined | null = null;
  /** Offset of the first string that is not the base's. */
  readonly #firstString: number;
  /** Word index of the header of each type, from `firstId - 1`. */
  readonly #at: Uint32Array;
  /** How often types of a kind were looked for, and all their names where that was often. */
  readonly #lookups = new Map<number, number>();
  readonly #indices = new Map<number, NameIndex>();
  /** Types that were asked for, by the same index. */
  readonly #types: (BtfType | undefined)[] = [];

  /** @throws OperationError SL2402 when the blob is damaged. */
  constructor(bytes: Buffer, source: string, base?: Btf) {
    if (bytes.length < HEADER_BYTES || bytes.readUInt16LE(0) !== MAGIC) throw damaged(source, 'no header');
    this.source = source;
    this.base = base;
    this.firstId = base?.count ?? 1;
    this.#firstString = base?.stringsEnd ?? 0;
    const types = part(bytes, 8, source);
    this.#words = new Uint32Array(types.buffer.slice(types.byteOffset, types.byteOffset + (types.length & ~3)));
    this.#strings = part(bytes, 16, source);
    this.#at = indexTypes(this.#words, source);
  }

  /** One more than the highest id. */
  get count(): number {
    return this.firstId - 1 + this.#at.length;
  }

  /** Length of all strings, those of the base included. */
  get stringsEnd(): number {
    return this.#firstString + this.#strings.length;
  }

  /** A type, the same object each time. */
  type(id: number): BtfType {
    if (this.base !== undefined && id < this.firstId) return this.base.type(id);
    const index = id - this.firstId + 1;
    const at = this.#at[index];
    if (at === undefined || id < this.firstId) return VOID;
    return (this.#types[index] ??= this.#read(id, at));
  }

  /** Its kind alone, which is far cheaper. */
  kind(id: number): number {
    if (this.base !== undefined && id < this.firstId) return this.base.kind(id);
    const at = this.#at[id - this.firstId + 1];
    return at === undefined || id < this.firstId ? Kind.VOID : kindOf(this.#words[at + 1]!);
  }

  #read(id: number, at: number): BtfType {
    const info = this.#words[at + 1]!;
    return { id, kind: kindOf(info), name: this.string(this.#words[at]!), vlen: info & 0xffff, flag: info >>> 31 === 1, sizeOrType: this.#words[at + 2]! };
  }

  /** Members of a struct or union, in order. */
  members({ id, vlen, flag }: BtfType): Member[] {
    return this.#rows(id, vlen, 3, (row, at) => ({
      name: this.string(row[at]!), type: row[at + 1]!, bitOffset: flag ? row[at + 2]! & 0xff_ffff : row[at + 2]!, bitSize: flag ? row[at + 2]! >>> 24 : 0,
    }));
  }

  /** Names and values of an enum of either width. */
  enumerators({ id, kind, vlen, flag }: BtfType): { name: string; value: bigint }[] {
    const wide = kind === Kind.ENUM64;
    return this.#rows(id, vlen, PER_MEMBER[kind]!, (row, at) => {
      const value = wide ? BigInt(row[at + 1]!) | (BigInt(row[at + 2]!) << 32n) : BigInt(row[at + 1]!);
      return { name: this.string(row[at]!), value: flag ? BigInt.asIntN(wide ? 64 : 32, value) : value };
    });
  }

  /** Variables and functions of a section. */
  variables({ id, vlen }: BtfType): SectionVariable[] {
    return this.#rows(id, vlen, 3, (row, at) => ({ type: row[at]!, offset: row[at + 1]!, size: row[at + 2]! }));
  }

  /** Types of a function prototype's parameters. */
  parameters({ id, vlen }: BtfType): number[] {
    return this.#rows(id, vlen, 2, (row, at) => row[at + 1]!);
  }

  /** Types of a function prototype's parameters with their names, which pointers to functions lack. */
  namedParameters({ id, vlen }: BtfType): { name: string; type: number }[] {
    return this.#rows(id, vlen, 2, (row, at) => ({ name: this.string(row[at]!), type: row[at + 1]! }));
  }

  /** Element type, index type and length of an array. */
  array({ id }: BtfType): { element: number; index: number; length: number } {
    const [element, index, length] = this.#tail(id, 3);
    return { element: element!, index: index!, length: length! };
  }

  /** Where the bits of an integer are, and how they are read: `SIGNED`, `CHAR`, `BOOL` or `(none)`. */
  integer({ id }: BtfType): { bitOffset: number; bits: number; encoding: string } {
    const word = this.#tail(id, 1)[0]!;
    return { bitOffset: (word >>> 16) & 255, bits: word & 255, encoding: ENCODINGS[word >>> 24] ?? '(none)' };
  }

  /** Linkage of a variable: 0 static, 1 global, 2 extern. */
  linkage({ id }: BtfType): number {
    return this.#tail(id, 1)[0]!;
  }

  /** Index of the member or parameter that a tag is on; -1 for the whole. */
  component({ id }: BtfType): number {
    return this.#tail(id, 1)[0]! | 0;
  }

  /** Whether an integer or enum is signed. */
  isSigned({ id, kind, flag }: BtfType): boolean {
    // BTF_INT_SIGNED is the lowest of the encoding bits.
    return kind === Kind.INT ? ((this.#tail(id, 1)[0]! >>> 24) & 1) === 1 : flag;
  }

  /** The type behind typedefs and qualifiers. */
  resolve(id: number): BtfType {
    let type = this.type(id);
    for (let hops = 0; hops < MAX_DEPTH && isModifier(type.kind); hops++) type = this.type(type.sizeOrType);
    return type;
  }

  /** Size in bytes of what a variable of the type takes. @throws OperationError SL2402 for an array within itself. */
  sizeOf(id: number, depth: number = 0): number {
    const type = this.resolve(id);
    if (type.kind === Kind.PTR) return 8;
    if (type.kind !== Kind.ARRAY) return SIZED.has(type.kind) ? type.sizeOrType : 0;
    if (depth > MAX_DEPTH) throw damaged(this.source, `array ${id} contains itself`);
    const { element, length } = this.array(type);
    return this.sizeOf(element, depth + 1) * length;
  }

  /** Ids of all types of a name and kind, in ascending order. */
  find(name: string, kind: number): number[] {
    return this.#find(name, false, [kind]);
  }

  /** The same by several kinds, and under names that differ in what follows `___`. */
  findFlavors(name: string, kinds: readonly number[]): number[] {
    return this.#find(name, true, kinds);
  }

  /** A string by its offset; empty where there is none. */
  string(offset: number): string {
    if (this.base !== undefined && offset < this.#firstString) return this.base.string(offset);
    const start = offset - this.#firstString;
    if (offset === 0 || start >= this.#strings.length) return '';
    if (this.#text === null) this.#text = isAscii(this.#strings) ? this.#strings.toString('latin1') : undefined;
    const limit = Math.min(start + MAX_STRING, this.#strings.length);
    if (this.#text !== undefined) return this.#text.slice(start, endOf(this.#text.indexOf('\0', start), limit));
    return this.#strings.toString('utf8', start, endOf(this.#strings.indexOf(0, start), limit));
  }

  /** The words of a whole type, header included. */
  rawType(id: number): Uint32Array {
    if (this.base !== undefined && id < this.firstId) return this.base.rawType(id);
    const index = id - this.firstId + 1;
    return this.#words.subarray(this.#at[index]!, this.#at[index + 1] ?? this.#words.length);
  }

  /** The strings of this blob alone. */
  get strings(): Buffer {
    return this.#strings;
  }

  #find(name: string, flavors: boolean, kinds: readonly number[]): number[] {
    const own = kinds.flatMap((kind) => this.#indexOf(kind)?.ids(name, flavors) ?? this.#scan(name, flavors, kind));
    own.sort((a, b) => a - b);
    return this.base === undefined ? own : [...this.base.#find(name, flavors, kinds), ...own];
  }

  /** Looks for the few strings of the name, then for types that use them: the kernel's 100,000 names are not decoded for that. */
  #scan(name: string, flavors: boolean, kind: number): number[] {
    const offsets = this.#nameOffsets(name, flavors);
    const [words, at, ids] = [this.#words, this.#at, [] as number[]];
    if (offsets.size === 0) return ids;
    for (let index = 1; index < at.length; index++)
      if (kindOf(words[at[index]! + 1]!) === kind && offsets.has(words[at[index]!]!)) ids.push(index + this.firstId - 1);
    return ids;
  }

  /** All names of a kind, once that is worth it: who asks for a few types will ask for many. */
  #indexOf(kind: number): NameIndex | undefined {
    const lookups = (this.#lookups.get(kind) ?? 0) + 1;
    this.#lookups.set(kind, lookups);
    if (lookups <= SCANS) return undefined;
    const index = this.#indices.get(kind) ?? new NameIndex(this.#namesOf(kind));
    this.#indices.set(kind, index);
    return index;
  }

  *#namesOf(kind: number): Generator<[id: number, name: string]> {
    const [words, at] = [this.#words, this.#at];
    for (let index = 1; index < at.length; index++)
      if (kindOf(words[at[index]! + 1]!) === kind) yield [index + this.firstId - 1, this.string(words[at[index]!]!)];
  }

  /** Where a name stands, in the strings of the base too: those are not repeated. */
  #nameOffsets(name: string, flavors: boolean): Set<number> {
    const own = stringOffsets(this.#strings, name, flavors);
    if (this.base === undefined) return own;
    return new Set([...this.base.#nameOffsets(name, flavors), ...[...own].map((offset) => offset + this.#firstString)]);
  }

  /** What `read` makes of each row of the table behind the header of a type; a row starts at word `at`. */
  #rows<T>(id: number, length: number, words: number, read: (tail: Uint32Array, at: number) => T): T[] {
    const tail = this.#tail(id, length * words);
    const rows: T[] = [];
    for (let i = 0; i < length; i++) rows.push(read(tail, i * words));
    return rows;
  }

  #tail(id: number, length: number): Uint32Array {
    if (this.base !== undefined && id < this.firstId) return this.base.#tail(id, length);
    const start = this.#at[id - this.firstId + 1]! + 3;
    return this.#words.subarray(start, start + length);
  }
}

/** Where a string ends: at its NUL, at the limit where that comes first or there is none. */
const endOf = (nul: number, limit: number): number => (nul < 0 ? limit : Math.min(nul, limit));

const SIZED = new Set<number>([Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FLOAT, Kind.DATASEC]);

const kindOf = (info: number): number => (info >>> 24) & 31;

const isModifier = (kind: number): boolean =>
  kind === Kind.TYPEDEF || kind === Kind.CONST || kind === Kind.VOLATILE || kind === Kind.RESTRICT || kind === Kind.TYPE_TAG;

/** A part of the blob whose offset, counted from the end of the header, and length stand at `field`. */
function part(bytes: Buffer, field: number, source: string): Buffer {
  const start = bytes.readUInt32LE(4) + bytes.readUInt32LE(field);
  const length = bytes.readUInt32LE(field + 4);
  if (start + length > bytes.length) throw damaged(source, 'truncated');
  return bytes.subarray(start, start + length);
}

function indexTypes(words: Uint32Array, source: string): Uint32Array {
  // No type is shorter than three words.
  const at = new Uint32Array(Math.floor(words.length / 3) + 1);
  let count = 1;
  for (let next = 0; next < words.length; count++) {
    at[count] = next;
    const info = words[next + 1] ?? 0;
    const kind = kindOf(info);
    if (kind === Kind.VOID || kind > Kind.ENUM64) throw damaged(source, `type kind ${kind}`);
    next += 3 + FIXED[kind]! + PER_MEMBER[kind]! * (info & 0xffff);
    if (next > words.length) throw damaged(source, 'a type is cut off');
  }
  return at.slice(0, count);
}

/** A table with an entry for each of the 32 kinds that the format has room for: read for every type of the kernel. */
function byKind(entries: Readonly<Record<number, number>>): Uint8Array {
  const table = new Uint8Array(32);
  for (const [kind, value] of Object.entries(entries)) table[Number(kind)] = value;
  return table;
}
