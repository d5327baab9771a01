/** BTF by hand: each type is its words, names are put into the strings as they come. */

import { Btf, Kind } from '../../src/kernel/btf/index.ts';

export interface WrittenType {
  name?: string;
  kind: number;
  vlen?: number;
  flag?: boolean;
  /** Size, or id of the type referred to. */
  last?: number;
  /** Words behind the header. */
  tail?: readonly number[];
}

/** Collects types; the first has id 1. */
export class BtfWriter {
  readonly #types: number[] = [];
  #strings = '\0';
  #count = 0;

  /** Offset of a string, which is added. */
  name(text: string): number {
    if (text === '') return 0;
    const at = this.#strings.length;
    this.#strings += `${text}\0`;
    return at;
  }

  /** Adds a type and gives its id. */
  add({ name = '', kind, vlen = 0, flag = false, last = 0, tail = [] }: WrittenType): number {
    this.#types.push(this.name(name), ((flag ? 0x8000_0000 : 0) | (kind << 24) | vlen) >>> 0, last);
    for (const word of tail) this.#types.push(word);
    return ++this.#count;
  }

  int(): number {
    return this.add({ name: 'int', kind: Kind.INT, last: 4, tail: [(1 << 24) | 32] });
  }

  /** A struct or union; members are name, type and offset in bits. */
  record(name: string, size: number, members: readonly (readonly [name: string, type: number, offset: number])[], kind: number = Kind.STRUCT): number {
    return this.add({ name, kind, vlen: members.length, last: size, tail: members.flatMap(([member, type, offset]) => [this.name(member), type, offset]) });
  }

  bytes(): Buffer {
    const types = Buffer.from(Uint32Array.from(this.#types).buffer);
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header[2] = 1;
    [24, 0, types.length, types.length, this.#strings.length].forEach((value, i) => header.writeUInt32LE(value, 4 + i * 4));
    return Buffer.concat([header, types, Buffer.from(this.#strings, 'latin1')]);
  }

  read(): Btf {
    return new Btf(this.bytes(), 'hand.btf');
  }
}
