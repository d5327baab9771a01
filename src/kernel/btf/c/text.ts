/** The text of C declarations, from the inside out as C has them. */

import { type Btf, type BtfType, Kind } from '../btf.ts';
import { damaged } from '../damaged.ts';
import { Layouts } from './layout.ts';
import { CNames, identifier, isForward, keyword } from './names.ts';

/** Structs without a name in each other, and pointers behind each other, that are written out; more is a circle. */
const MAX_DEPTH = 256;
/** Characters that are written, for each byte of type information; damaged BTF could name itself without end. */
const MAX_GROWTH = 64;
const LEAST_LIMIT = 1 << 24;
/** Of a type. */
const LEAST_BYTES = 12;

/** Writes types of one BTF blob. */
export class CText {
  readonly #btf: Btf;
  readonly #names: CNames;
  readonly #layouts: Layouts;
  readonly #enums = new Set<number>();
  #left: number;

  /** @param types those that are declared */
  constructor(btf: Btf, types: readonly BtfType[]) {
    this.#btf = btf;
    this.#names = new CNames(types);
    this.#layouts = new Layouts(btf);
    this.#left = Math.max(LEAST_LIMIT, btf.count * LEAST_BYTES * MAX_GROWTH);
  }

  /** `struct sock`, `enum state`, `size_t`, `int`. */
  nameOf(type: BtfType): string {
    const name = this.#names.of(type);
    return isTag(type.kind) ? `${keyword(type)} ${name}` : name;
  }

  /** A variable, member or typedef `name` of a type; without a name the type alone. */
  declare(id: number, name: string, indent: string = '', depth: number = 0): string {
    let [inner, qualifiers, type] = [name, '', this.#btf.type(id)];
    for (let hops = depth; ; hops++) {
      this.#spend(inner.length + 1, hops);
      if (type.kind === Kind.PTR) [inner, qualifiers] = [`*${qualifiers}${inner}`, ''];
      else if (QUALIFIERS.has(type.kind)) qualifiers = qualify(qualifiers, `${qualifier(type)} `);
      else if (type.kind === Kind.ARRAY) inner = `${wrap(inner)}[${this.#btf.array(type).length}]`;
      else if (type.kind === Kind.FUNC_PROTO) [inner, qualifiers] = [`${wrap(inner)}(${this.#parameters(type, indent, hops)})`, ''];
      else return `${qualifiers}${this.#base(type, indent, hops)}${inner === '' ? '' : ' '}${inner}`;
      type = this.#btf.type(type.kind === Kind.ARRAY ? this.#btf.array(type).element : type.sizeOrType);
    }
  }

  /** `int drop(struct xdp_md *ctx)`; undefined for what is no function. */
  signature({ kind, name, sizeOrType }: BtfType): string | undefined {
    const prototype = this.#btf.type(sizeOrType);
    if (kind !== Kind.FUNC || prototype.kind !== Kind.FUNC_PROTO) return undefined;
    const parameters = this.#btf.namedParameters(prototype).map((one) => (one.type === 0 ? '...' : this.declare(one.type, identifier(one.name))));
    return this.declare(prototype.sizeOrType, `${identifier(name)}(${parameters.length === 0 ? 'void' : parameters.join(', ')})`);
  }

  /** A struct, union or enum with its members. */
  define(type: BtfType, indent: string = '', depth: number = 0): string {
    const head = type.name === '' ? keyword(type) : this.nameOf(type);
    const { lines, attributes } = type.kind === Kind.ENUM || type.kind === Kind.ENUM64 ? this.#enumerators(type) : this.#members(type, indent, depth);
    let body = '';
    for (const line of lines) body += `${indent}\t${line}\n`;
    this.#spend(body.length, depth);
    return `${head} {\n${body}${indent}}${attributes}`;
  }

  /** Whether an enum was written, by itself or where it is used. */
  isDefined({ id }: BtfType): boolean {
    return this.#enums.has(id);
  }

  /** What stands for a type that needs no declarator. */
  #base(type: BtfType, indent: string, depth: number): string {
    if (type.kind === Kind.VOID || !isNamed(type.kind)) return 'void';
    if (type.name !== '') return this.nameOf(type);
    // A declaration without a name says no more than its size.
    if (isForward(type)) return type.kind === Kind.FWD ? 'void' : (INTEGERS[type.sizeOrType] ?? 'int');
    return isTag(type.kind) ? this.define(type, indent, depth + 1) : 'int';
  }

  #parameters(type: BtfType, indent: string, depth: number): string {
    const parameters = this.#btf.parameters(type);
    if (parameters.length === 0) return 'void';
    // A lone ellipsis is no C: nothing is said about the parameters then.
    if (parameters.length === 1 && parameters[0] === 0) return '';
    return parameters.map((id) => (id === 0 ? '...' : this.declare(id, '', indent, depth + 1))).join(', ');
  }

  #members(type: BtfType, indent: string, depth: number): Body {
    const { fields, tail, packed, aligned } = this.#layouts.of(type);
    const [lines, inner]: [string[], string] = [[], `${indent}\t`];
    for (const { padding, member: { name, type: id, bitSize } } of fields) {
      if (padding.length > 0) lines.push(...padding);
      const declaration = this.declare(id, identifier(name), inner, depth + 1);
      lines.push(bitSize === 0 ? `${declaration};` : `${declaration} : ${bitSize};`);
    }
    const attributes = [packed ? 'packed' : '', aligned === undefined ? '' : `aligned(${aligned})`].filter((word) => word !== '');
    lines.push(...tail);
    return { lines, attributes: attributes.length === 0 ? '' : ` __attribute__((${attributes.join(', ')}))` };
  }

  #enumerators(type: BtfType): Body {
    const rows = this.#btf.enumerators(type);
    this.#enums.add(type.id);
    const lines = rows.map(({ name, value }) => `${this.#names.enumerator(name)} = ${literal(value)},`);
    // Unless a value needs more, C takes 32 bits.
    const wide = rows.some(({ value }) => value > 0xffff_ffffn || value < -0x8000_0000n);
    const mode = type.sizeOrType === 8 && wide ? undefined : MODES[type.sizeOrType];
    return { lines, attributes: mode === undefined ? '' : ` __attribute__((mode(${mode})))` };
  }

  #spend(characters: number, depth: number): void {
    this.#left -= characters;
    if (this.#left < 0 || depth > MAX_DEPTH) throw damaged(this.#btf.source, 'types that contain each other');
  }
}

interface Body {
  lines: string[];
  attributes: string;
}

const QUALIFIERS = new Set<number>([Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG]);
/** Machine modes of enums that are not of 4 bytes. */
const MODES: Readonly<Record<number, string>> = { 1: 'byte', 2: 'HI', 8: 'word' };
const INTEGERS: Readonly<Record<number, string>> = { 1: 'signed char', 2: 'short', 8: 'long' };

function qualifier({ kind, name }: BtfType): string {
  if (kind === Kind.TYPE_TAG) return `__attribute__((btf_type_tag("${identifier(name)}")))`;
  return kind === Kind.CONST ? 'const' : (kind === Kind.VOLATILE ? 'volatile' : 'restrict');
}

/** An array and its elements may both be const, which C takes only once. */
const qualify = (qualifiers: string, one: string): string => (qualifiers.includes(one) ? qualifiers : qualifiers + one);

/** In front of brackets a pointer needs parentheses. */
const wrap = (inner: string): string => (inner.startsWith('*') ? `(${inner})` : inner);

const isTag = (kind: number): boolean => TAGS.has(kind);
const TAGS = new Set<number>([Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD]);

const isNamed = (kind: number): boolean => isTag(kind) || kind === Kind.INT || kind === Kind.FLOAT || kind === Kind.TYPEDEF;

function literal(value: bigint): string {
  if (value > 0xffff_ffffn) return `${value}ULL`;
  // The lowest number of 64 bits has no literal of its own.
  if (value === -(2n ** 63n)) return '(-9223372036854775807LL - 1)';
  return value < -0x8000_0000n ? `${value}LL` : String(value);
}
