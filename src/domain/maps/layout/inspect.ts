/** Layouts from BTF. Only reads types that were read before; the kernel is not asked. */

import { type Btf, type BtfType, Kind, type Member as BtfMember } from '../../../kernel/btf/index.ts';
import { hintFromName, hintFromType } from './hints.ts';
import { intLayout, moveLayout, type Layout, type Leaf, type Member } from './layout.ts';

/** Types in types that are followed; damaged BTF may have a struct that contains itself. */
const MAX_DEPTH = 24;
/** No value is larger. */
const MAX_BYTES = 2 ** 32;
const MODIFIERS: ReadonlySet<number> = new Set([Kind.TYPEDEF, Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG]);

/**
 * The layout of a type. `hints` lets names say what numbers mean: addresses, ports, hardware addresses.
 *
 * What cannot be read, such as a type that is only declared, becomes plain bytes.
 */
export const layoutOfType = (btf: Btf, id: number, { hints }: { hints: boolean }): Layout => new Reader(btf, hints).read(id, '', 0);

class Reader {
  readonly #btf: Btf;
  readonly #hints: boolean;

  constructor(btf: Btf, hints: boolean) {
    this.#btf = btf;
    this.#hints = hints;
  }

  /** A type as if it stood at 0; `name` is that of the member which has it. */
  read(id: number, name: string, depth: number): Layout {
    const { type, typedefs } = this.#follow(id);
    const layout = depth > MAX_DEPTH ? hex(this.#btf.sizeOf(id)) : this.#readKind(type, name, depth);
    if (!this.#hints) return layout;
    return hintFromName(name, layout) ?? hintFromType([...typedefs, type.name], layout) ?? layout;
  }

  #readKind(type: BtfType, name: string, depth: number): Layout {
    const size = type.sizeOrType;
    switch (type.kind) {
      case Kind.INT: return this.#readInt(type);
      case Kind.FLOAT: return size === 4 || size === 8 ? { kind: 'float', at: 0, size } : hex(size);
      case Kind.PTR: return { kind: 'pointer', at: 0, size: 8 };
      case Kind.ENUM:
      case Kind.ENUM64: return { kind: 'enum', at: 0, size: size as 4, signed: this.#btf.isSigned(type), names: this.#namesOf(type) };
      case Kind.ARRAY: return this.#readArray(type, name, depth);
      case Kind.STRUCT:
      case Kind.UNION: return { kind: 'struct', at: 0, size, members: this.#btf.members(type).flatMap((member) => this.#readMember(member, depth)) };
      case Kind.DATASEC: return { kind: 'struct', at: 0, size, members: this.#btf.variables(type).map(({ type: id, offset }) => this.#readVariable(id, offset, depth)) };
      default: return hex(0);
    }
  }

  #readInt(type: BtfType): Leaf {
    if (type.name === '_Bool' || type.name === 'bool') return { kind: 'bool', at: 0, size: type.sizeOrType };
    return intLayout(0, type.sizeOrType, { signed: this.#btf.isSigned(type) });
  }

  #readArray(type: BtfType, name: string, depth: number): Layout {
    const { element, length } = this.#btf.array(type);
    const inner = this.#follow(element).type;
    if (inner.kind === Kind.INT && inner.name === 'char') return { kind: 'text', at: 0, size: length };
    const size = this.#btf.sizeOf(element);
    if (size * length > MAX_BYTES) return hex(0);
    return { kind: 'array', at: 0, size: size * length, count: length, element: this.read(element, name, depth + 1) };
  }

  /** Members of an anonymous struct or union are used as if they stood outside. */
  #readMember({ name, type, bitOffset, bitSize }: BtfMember, depth: number): Member[] {
    const layout = bitSize > 0 ? this.#readBits(type, bitOffset, bitSize) : moveLayout(this.read(type, name, depth + 1), bitOffset >>> 3);
    if (name === '' && layout.kind === 'struct') return [...layout.members];
    return name === '' ? [] : [{ name: printable(name), layout }];
  }

  #readBits(id: number, bitOffset: number, bits: number): Layout {
    const at = bitOffset >>> 3;
    const shift = bitOffset & 7;
    return { kind: 'bits', at, shift, bits, size: Math.ceil((shift + bits) / 8), signed: this.#btf.isSigned(this.#follow(id).type) };
  }

  #readVariable(id: number, offset: number, depth: number): Member {
    const { name, sizeOrType } = this.#btf.type(id);
    return { name: printable(name), layout: moveLayout(this.read(sizeOrType, name, depth + 1), offset) };
  }

  #namesOf(type: BtfType): ReadonlyMap<bigint, string> {
    const names = new Map<bigint, string>();
    // Of several names for one value the first is kept, as debuggers do.
    for (const { name, value } of this.#btf.enumerators(type)) if (!names.has(value)) names.set(value, printable(name));
    return names;
  }

  #follow(id: number): { type: BtfType; typedefs: string[] } {
    const typedefs: string[] = [];
    let type = this.#btf.type(id);
    for (let hops = 0; hops < MAX_DEPTH && MODIFIERS.has(type.kind); hops++) {
      if (type.kind === Kind.TYPEDEF) typedefs.push(type.name);
      type = this.#btf.type(type.sizeOrType);
    }
    return { type, typedefs };
  }
}

const hex = (size: number): Leaf => ({ kind: 'hex', at: 0, size });

/** Names are identifiers; damaged type information may have anything. */
const printable = (name: string): string => name.replace(/[^\x21-\x7e]/g, '_');
