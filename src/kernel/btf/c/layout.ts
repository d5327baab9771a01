/**
 * Where a C compiler puts the members of a struct, and what makes it put them where the kernel has them.
 *
 * BTF has offsets but neither `packed` nor `aligned`: a struct that would come out differently is packed, and gaps are
 * filled with unnamed bit fields, which do not count for the alignment.
 */

import { type Btf, type BtfType, Kind, type Member } from '../btf.ts';

/** A member, and the declarations that fill the gap in front of it. */
export interface Field {
  padding: string[];
  member: Member;
}

/** How a struct or union is to be written so that its layout is that of BTF. */
export interface Layout {
  fields: Field[];
  /** The same behind the last member. */
  tail: string[];
  packed: boolean;
  /** `__attribute__((aligned(N)))`, for unions that are larger than their members. */
  aligned?: number;
  /** Of the type as it is written, in bytes. */
  align: number;
}

const WORD_BITS = 64;
/** Gaps of more words are written as an array. */
const MAX_WORDS = 64;
const MAX_ALIGN = 4096;
/** Structs in structs that are followed; more is a circle. */
const MAX_DEPTH = 64;

/** Finds layouts. Of those that were found the alignment is kept, for structs in structs. */
export class Layouts {
  readonly #btf: Btf;
  /** By id; 0 where it is not known yet. */
  readonly #aligns: Uint16Array;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#aligns = new Uint16Array(btf.count);
  }

  of(type: BtfType, depth: number = 0): Layout {
    const members = this.#btf.members(type);
    const layout = type.kind === Kind.UNION
      ? this.#union(type, members, depth)
      : (this.#struct(type, members, false, depth) ?? this.#struct(type, members, true, depth)!);
    this.#aligns[type.id] = layout.align;
    return layout;
  }

  /** Undefined where an unpacked struct cannot have its members there. */
  #struct(type: BtfType, members: readonly Member[], packed: boolean, depth: number): Layout | undefined {
    const fields: Field[] = [];
    const end = type.sizeOrType * 8;
    let [at, align] = [0, 1];
    for (const member of members) {
      const memberAlign = packed ? 1 : this.#align(member.type, depth);
      const { bitOffset } = member;
      const fits = this.#place(member, at, memberAlign, packed) === bitOffset;
      if (!packed && !fits && (bitOffset < at || this.#place(member, bitOffset, memberAlign, packed) !== bitOffset)) return undefined;
      fields.push({ padding: fits ? [] : fill(at, bitOffset), member });
      at = bitOffset + this.#bits(member);
      align = Math.max(align, memberAlign);
    }
    if (!packed && (end % (align * 8) !== 0 || at > end)) return undefined;
    return { fields, tail: roundUp(at, align * 8) === end ? [] : fill(at, end), packed, align };
  }

  #union({ sizeOrType: size }: BtfType, members: readonly Member[], depth: number): Layout {
    const fields = members.map((member) => ({ padding: [], member }));
    const largest = Math.max(0, ...members.map((member) => Math.ceil(this.#bits(member) / 8)));
    const align = Math.max(1, ...members.map(({ type }) => this.#align(type, depth)));
    if (roundUp(largest, align) === size) return { fields, tail: [], packed: false, align };
    if (largest === size) return { fields, tail: [], packed: true, align: 1 };
    for (let aligned = align * 2; aligned <= MAX_ALIGN; aligned *= 2)
      if (roundUp(largest, aligned) === size) return { fields, tail: [], packed: false, aligned, align: aligned };
    return { fields, tail: [], packed: false, align };
  }

  /** The bit at which a compiler that has come to bit `at` puts the member. */
  #place({ type, bitSize }: Member, at: number, align: number, packed: boolean): number {
    if (bitSize === 0) return roundUp(at, align * 8);
    // Bit fields of a packed struct stand side by side; others do not cross a boundary of their type.
    const crosses = !packed && (at % (align * 8)) + bitSize > this.#btf.sizeOf(type) * 8;
    return crosses ? roundUp(at, align * 8) : at;
  }

  #bits({ type, bitSize }: Member): number {
    return bitSize === 0 ? this.#btf.sizeOf(type) * 8 : bitSize;
  }

  #align(id: number, depth: number): number {
    const type = this.#btf.resolve(id);
    if (type.kind === Kind.PTR) return 8;
    if (depth > MAX_DEPTH) return 1;
    if (type.kind === Kind.ARRAY) return this.#align(this.#btf.array(type).element, depth + 1);
    if (type.kind === Kind.STRUCT || type.kind === Kind.UNION) return this.#aligns[type.id]! || this.of(type, depth + 1).align;
    return NUMBERS.has(type.kind) ? Math.max(1, Math.min(16, type.sizeOrType)) : 1;
  }
}

const NUMBERS = new Set<number>([Kind.INT, Kind.FLOAT, Kind.ENUM, Kind.ENUM64]);

/** Declarations that lead from one bit to another, none across the boundary of a word. */
function fill(from: number, to: number): string[] {
  const lines: string[] = [];
  for (let at = from; at < to; ) {
    const words = at % WORD_BITS === 0 ? Math.floor((to - at) / WORD_BITS) : 0;
    const bits = words > MAX_WORDS ? words * WORD_BITS : Math.min(to, roundUp(at + 1, WORD_BITS)) - at;
    lines.push(words > MAX_WORDS ? `unsigned char __gap_${at / 8}[${words * 8}];` : `long : ${bits};`);
    at += bits;
  }
  return lines;
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
