import { OperationError } from '../../lib/errors.ts';

/** BTF_KIND_* of linux/btf.h */
export const Kind = {
  INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, FWD: 7, TYPEDEF: 8, VOLATILE: 9, CONST: 10, RESTRICT: 11,
  FUNC: 12, FUNC_PROTO: 13, VAR: 14, DATASEC: 15, FLOAT: 16, DECL_TAG: 17, TYPE_TAG: 18, ENUM64: 19,
} as const;

const MAGIC = 0xeb9f;
/** Words of a type behind its three header words, by kind, for kinds without members. */
const FIXED: Readonly<Record<number, number>> = { [Kind.INT]: 1, [Kind.ARRAY]: 3, [Kind.VAR]: 1, [Kind.DECL_TAG]: 1 };
/** Words of each member. */
const PER_MEMBER: Readonly<Record<number, number>> = {
  [Kind.STRUCT]: 3, [Kind.UNION]: 3, [Kind.ENUM]: 2, [Kind.FUNC_PROTO]: 2, [Kind.DATASEC]: 3, [Kind.ENUM64]: 3,
};

export interface BtfType {
  id: number;
  kind: number;
  name: string;
  /** Number of members, or the linkage of a function. */
  vlen: number;
  /** Size in bytes, or the id of the type referred to. */
  sizeOrType: number;
}

export interface Member {
  name: string;
  type: number;
  bitOffset: number;
}

/** Types of one BTF blob by id, from 1; 0 is void. Indexed once, read on demand. */
export class Btf {
  readonly bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #strings: Buffer;
  /** Word index of each type's header. */
  readonly #at: Uint32Array;
  #byName?: Map<string, number[]>;

  /** @throws OperationError SL2402 when the blob is damaged. */
  constructor(bytes: Buffer, source: string) {
    if (bytes.length < 24 || bytes.readUInt16LE(0) !== MAGIC) throw damaged(source, 'no header');
    const header = bytes.readUInt32LE(4);
    const typesLength = bytes.readUInt32LE(12);
    const types = header + bytes.readUInt32LE(8);
    const strings = header + bytes.readUInt32LE(16);
    if (types + typesLength > bytes.length || strings + bytes.readUInt32LE(20) > bytes.length) throw damaged(source, 'truncated');
    this.bytes = bytes;
    const copy = bytes.buffer.slice(bytes.byteOffset + types, bytes.byteOffset + types + (typesLength & ~3));
    this.#words = new Uint32Array(copy);
    this.#strings = bytes.subarray(strings, strings + bytes.readUInt32LE(20));
    this.#at = indexTypes(this.#words, source);
  }

  get count(): number {
    return this.#at.length;
  }

  type(id: number): BtfType {
    const at = this.#at[id];
    if (at === undefined || id === 0) return { id: 0, kind: 0, name: '', vlen: 0, sizeOrType: 0 };
    const info = this.#words[at + 1]!;
    return { id, kind: (info >>> 24) & 31, name: this.string(this.#words[at]!), vlen: info & 0xffff, sizeOrType: this.#words[at + 2]! };
  }

  /** Words behind the header of a type, `length` of them. */
  tail(id: number, length: number): Uint32Array {
    return this.#words.subarray(this.#at[id]! + 3, this.#at[id]! + 3 + length);
  }

  members({ id, vlen }: BtfType): Member[] {
    const bitfields = (this.#words[this.#at[id]! + 1]! >>> 31) === 1;
    const words = this.tail(id, vlen * 3);
    return Array.from({ length: vlen }, (_, i) => ({
      name: this.string(words[i * 3]!),
      type: words[i * 3 + 1]!,
      bitOffset: bitfields ? words[i * 3 + 2]! & 0xff_ffff : words[i * 3 + 2]!,
    }));
  }

  /** The type behind typedefs and qualifiers. */
  resolve(id: number): BtfType {
    let type = this.type(id);
    for (let hops = 0; hops < 32 && isModifier(type.kind); hops++) type = this.type(type.sizeOrType);
    return type;
  }

  /** Size in bytes of what a variable of the type takes. */
  sizeOf(id: number): number {
    const type = this.resolve(id);
    if (type.kind === Kind.PTR) return 8;
    if (type.kind !== Kind.ARRAY) return type.sizeOrType;
    const [element, , length] = this.tail(type.id, 3);
    return this.sizeOf(element!) * length!;
  }

  /** Ids of all types of a name and kind. */
  find(name: string, kind: number): number[] {
    this.#byName ??= this.#indexNames();
    return (this.#byName.get(name) ?? []).filter((id) => this.type(id).kind === kind);
  }

  string(offset: number): string {
    if (offset === 0 || offset >= this.#strings.length) return '';
    return this.#strings.toString('utf8', offset, this.#strings.indexOf(0, offset));
  }

  /** The words of a whole type, header included. */
  rawType(id: number): Uint32Array {
    const end = id + 1 < this.#at.length ? this.#at[id + 1]! : this.#words.length;
    return this.#words.subarray(this.#at[id]!, end);
  }

  get strings(): Buffer {
    return this.#strings;
  }

  #indexNames(): Map<string, number[]> {
    const names = new Map<string, number[]>();
    for (let id = 1; id < this.#at.length; id++) {
      const { name } = this.type(id);
      if (name === '') continue;
      const ids = names.get(name);
      if (ids === undefined) names.set(name, [id]);
      else ids.push(id);
    }
    return names;
  }
}

const isModifier = (kind: number): boolean =>
  kind === Kind.TYPEDEF || kind === Kind.CONST || kind === Kind.VOLATILE || kind === Kind.RESTRICT || kind === Kind.TYPE_TAG;

function indexTypes(words: Uint32Array, source: string): Uint32Array {
  const at = [0];
  for (let next = 0; next < words.length; ) {
    if (next + 3 > words.length) throw damaged(source, 'a type is cut off');
    at.push(next);
    const info = words[next + 1]!;
    const kind = (info >>> 24) & 31;
    if (kind === 0 || kind > Kind.ENUM64) throw damaged(source, `type kind ${kind}`);
    next += 3 + (FIXED[kind] ?? 0) + (PER_MEMBER[kind] ?? 0) * (info & 0xffff);
  }
  return Uint32Array.from(at);
}

const damaged = (source: string, what: string): OperationError =>
  new OperationError(`${source}: BTF is damaged: ${what}`, { code: 'SL2402', reason: 'usage' });
