/**
 * How the bytes of a key or a value are read: a tree whose leaves are scalars at fixed places.
 *
 * `at` counts bytes from the start of what the layout stands in: the whole key or value, or one element of an array. Bytes are in
 * the order of the machine, little endian, except where a leaf says that it is in network order.
 */

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

/** A leaf without more to say: `text` is a char array up to its NUL, `hex` bytes of no known meaning. Addresses are in network order. */
export interface PlainLeaf {
  kind: 'bool' | 'float' | 'pointer' | 'text' | 'hex' | 'ipv4' | 'ipv6' | 'mac';
  at: number;
  size: number;
}

export type Leaf = IntLeaf | BitsLeaf | EnumLeaf | PlainLeaf;

export interface Member {
  name: string;
  layout: Layout;
}

/** A struct, a union or a data section; members of a union lie on top of each other. */
export interface StructLayout {
  kind: 'struct';
  at: number;
  size: number;
  members: readonly Member[];
}

/** `count` elements, one after the other; `element` is that of the first, with the start of the array as its 0. */
export interface ArrayLayout {
  kind: 'array';
  at: number;
  size: number;
  element: Layout;
  count: number;
}

/** The key of an LPM trie: a length in bits, then the address that it is of. */
export interface PrefixLayout {
  kind: 'prefix';
  at: number;
  size: number;
  length: IntLeaf;
  address: PlainLeaf;
  /** Names of the two members, for the decoded form. */
  names: readonly [length: string, address: string];
}

export type Layout = Leaf | StructLayout | ArrayLayout | PrefixLayout;

const INT_SIZES: readonly number[] = [1, 2, 4, 8];

/** An integer, or plain bytes where there is none of that size. */
export const intLayout = (at: number, size: number, { signed = false, bigEndian = false } = {}): Leaf =>
  INT_SIZES.includes(size) ? { kind: 'int', at, size: size as 4, signed, bigEndian } : { kind: 'hex', at, size };

/** Layout of bytes about which nothing is known. */
export const plainLayout = (size: number): Layout => intLayout(0, size);

/** How many scalars there are. */
export function countLeaves(layout: Layout): number {
  switch (layout.kind) {
    case 'struct': return layout.members.reduce((sum, { layout: inner }) => sum + countLeaves(inner), 0);
    case 'array': return layout.count * countLeaves(layout.element);
    case 'prefix': return 2;
    default: return 1;
  }
}

/** What is one step inside, by name; elements of an array are named by their numbers. */
export function childOf(layout: Layout, name: string): Layout | undefined {
  if (layout.kind === 'struct') return layout.members.find((member) => member.name === name)?.layout;
  if (layout.kind === 'prefix') return name === layout.names[0] ? layout.length : name === layout.names[1] ? layout.address : undefined;
  const index = Number(name);
  return layout.kind === 'array' && /^\d+$/.test(name) && index < layout.count ? elementAt(layout, index) : undefined;
}

/** One element, with its place in what the array stands in. */
const elementAt = ({ at, element, size, count }: ArrayLayout, index: number): Layout => moveLayout(element, at + (size / count) * index);

/** Names of what is one step inside, for messages. */
export function childNames(layout: Layout): string[] {
  if (layout.kind === 'struct') return layout.members.map(({ name }) => name);
  if (layout.kind === 'prefix') return [...layout.names];
  return layout.kind === 'array' ? [`0…${layout.count - 1}`] : [];
}

/** The same layout further back. */
export function moveLayout(layout: Layout, by: number): Layout {
  const at = layout.at + by;
  switch (layout.kind) {
    case 'struct': return { ...layout, at, members: layout.members.map(({ name, layout: inner }) => ({ name, layout: moveLayout(inner, by) })) };
    case 'prefix': return { ...layout, at, length: { ...layout.length, at: layout.length.at + by }, address: { ...layout.address, at: layout.address.at + by } };
    default: return { ...layout, at };
  }
}
