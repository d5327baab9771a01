/**
 * How the bytes of a key or a value are read: a tree whose leaves are scalars at fixed places.
 *
 * Offsets are in bytes from the start of the whole key or value. Bytes are in the order of the machine, little endian, except
 * where a leaf says that it is in network order.
 */

/** Formats that `--as` takes for a leaf, and what each needs. */
export const FORMATS = [
  'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'be16', 'be32', 'be64', 'bool', 'float', 'hex', 'ipv4', 'ipv6', 'mac', 'port', 'string', 'pointer',
] as const;
export type Format = (typeof FORMATS)[number];

/** An integer of 1, 2, 4 or 8 bytes. */
export interface IntLeaf {
  kind: 'int';
  at: number;
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  /** In network order. */
  bigEndian: boolean;
}

/** A bit field: `bits` bits from bit `shift` of the `size` bytes at `at`. */
export interface BitsLeaf {
  kind: 'bits';
  at: number;
  size: number;
  shift: number;
  bits: number;
  signed: boolean;
}

export interface EnumLeaf {
  kind: 'enum';
  at: number;
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  names: ReadonlyMap<bigint, string>;
}

/** A leaf without more to say: `text` is a char array up to its NUL, `hex` bytes of no known meaning, `id` the number of a kernel object. */
export interface PlainLeaf {
  kind: 'bool' | 'float' | 'pointer' | 'text' | 'hex' | 'ipv4' | 'ipv6' | 'mac';
  at: number;
  size: number;
}

export type Leaf = IntLeaf | BitsLeaf | EnumLeaf | PlainLeaf;

/** A struct, a union or a data section; members of a union lie on top of each other. */
export interface StructLayout {
  kind: 'struct';
  at: number;
  size: number;
  members: readonly { name: string; layout: Layout }[];
}

export interface ArrayLayout {
  kind: 'array';
  at: number;
  size: number;
  elements: readonly Layout[];
}

/** The key of an LPM trie: a length in bits, then the address that it is of. */
export interface PrefixLayout {
  kind: 'prefix';
  at: number;
  size: number;
  length: Layout & { kind: 'int' };
  address: PlainLeaf;
  /** Names of the two members, for the decoded form. */
  names: readonly [length: string, address: string];
}

export type Layout = Leaf | StructLayout | ArrayLayout | PrefixLayout;

/** Layout of bytes about which nothing is known: an integer where the size is that of one. */
export function plainLayout(size: number, at: number = 0): Layout {
  return size === 1 || size === 2 || size === 4 || size === 8 ? { kind: 'int', at, size, signed: false, bigEndian: false } : { kind: 'hex', at, size };
}

/** The same layout further back. */
export function moveLayout(layout: Layout, by: number): Layout {
  if (by === 0) return layout;
  const moved = { ...layout, at: layout.at + by };
  switch (moved.kind) {
    case 'struct': return { ...moved, members: moved.members.map(({ name, layout: inner }) => ({ name, layout: moveLayout(inner, by) })) };
    case 'array': return { ...moved, elements: moved.elements.map((element) => moveLayout(element, by)) };
    case 'prefix': return { ...moved, length: moveLayout(moved.length, by) as IntLeaf, address: moveLayout(moved.address, by) as PlainLeaf };
    default: return moved;
  }
}

/** Scalars of a layout with their paths below `path`: `value.a.b`, `value.list.0`. */
export function leavesOf(layout: Layout, path: string): { path: string; leaf: Leaf }[] {
  switch (layout.kind) {
    case 'struct': return layout.members.flatMap(({ name, layout: inner }) => leavesOf(inner, `${path}.${name}`));
    case 'array': return layout.elements.flatMap((element, i) => leavesOf(element, `${path}.${i}`));
    case 'prefix': return [...leavesOf(layout.length, `${path}.${layout.names[0]}`), ...leavesOf(layout.address, `${path}.${layout.names[1]}`)];
    default: return [{ path, leaf: layout }];
  }
}
