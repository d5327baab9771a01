/**
 * BTF as a C header: every type in an order that C can read.
 *
 * A struct is defined once all that it contains is; what it only points at is declared in front of it.
 */

import { type Btf, type BtfType, Kind } from '../btf.ts';
import { damaged } from '../damaged.ts';
import { declaredTypes, isAlias, isForward, keyword } from './names.ts';
import { CText } from './text.ts';

/** Types behind each other that are followed; more is a circle. */
const MAX_DEPTH = 512;
/** Types looked at for each type there is; damaged BTF could branch without end. */
const MAX_STEPS = 64;
const LEAST_STEPS = 1 << 20;

/**
 * A C header with all types of a blob, for programs that are fitted to the running kernel by CO-RE.
 *
 * @throws OperationError SL2402 for types that contain themselves.
 */
export function dumpC(btf: Btf): string {
  return new CDump(btf).dump();
}

/** What is already in the header. */
const DECLARED = 1;
const DEFINED = 2;
const IN_PROGRESS = 4;

class CDump {
  readonly #btf: Btf;
  readonly #types: readonly BtfType[];
  readonly #text: CText;
  readonly #state: Uint8Array;
  readonly #parts: string[] = [];
  #steps: number;
  /** How often a struct's name needed no declaration only because it stands inside that struct. */
  #within = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#types = declaredTypes(btf);
    this.#text = new CText(btf, this.#types);
    this.#state = new Uint8Array(btf.count);
    this.#steps = Math.max(LEAST_STEPS, btf.count * MAX_STEPS);
  }

  dump(): string {
    for (const type of this.#types) if (type.name !== '' || type.kind === Kind.TYPEDEF) this.#need(type.id, true, 0, 0);
    // Constants without a type that uses them.
    for (const type of this.#types) if (isEnum(type) && type.vlen > 0 && !this.#text.isDefined(type)) this.#write(`${this.#text.define(type)};\n`);
    const functions = this.#kernelFunctions();
    if (functions.length > 0) this.#write(`${FUNCTIONS_HEAD}${functions.join('\n')}\n${FUNCTIONS_FOOT}`);
    return `${HEAD}${this.#parts.join('\n')}${FOOT}`;
  }

  /** Declarations of the functions that programs may call (kfuncs), which the kernel marks with a tag. */
  #kernelFunctions(): string[] {
    const declared = new Set<string>();
    for (let id = 1; id < this.#btf.count; id++) {
      if (this.#btf.kind(id) !== Kind.DECL_TAG) continue;
      const tag = this.#btf.type(id);
      const kernelFunction = this.#btf.type(tag.sizeOrType);
      const signature = tag.name === KFUNC_TAG && this.#btf.component(tag) === -1 ? this.#text.signature(kernelFunction) : undefined;
      if (signature === undefined) continue;
      this.#need(kernelFunction.sizeOrType, false, 0, 0);
      declared.add(`extern ${signature} __attribute__((weak, section(".ksyms")));`);
    }
    return [...declared];
  }

  /**
   * Writes what a use of the type needs: the definition, or where a pointer leads to it the declaration.
   *
   * @param owner struct whose members are looked at; inside it its own name is known
   */
  #need(id: number, whole: boolean, owner: number, depth: number): void {
    if ((this.#state[id]! & (whole ? DEFINED : DECLARED | DEFINED)) !== 0) return;
    const type = this.#btf.type(id);
    if (--this.#steps < 0 || depth > MAX_DEPTH) throw damaged(this.#btf.source, 'types that contain each other');
    if (type.kind === Kind.STRUCT || type.kind === Kind.UNION) return type.name === '' ? this.#nameless(type, whole, owner, depth) : this.#record(type, whole, owner, depth);
    if (type.kind === Kind.TYPEDEF) return this.#typedef(type, whole, depth);
    if (isEnum(type) || type.kind === Kind.FWD) return this.#simple(type);
    if (type.kind === Kind.ARRAY) return this.#need(this.#btf.array(type).element, true, owner, depth + 1);
    if (type.kind === Kind.FUNC_PROTO) return this.#each([type.sizeOrType, ...this.#btf.parameters(type)], false, owner, type, depth);
    if (type.kind === Kind.PTR) return this.#need(type.sizeOrType, false, owner, depth + 1);
    if (QUALIFIERS.has(type.kind)) return this.#need(type.sizeOrType, whole, owner, depth + 1);
    if (isAlias(type)) this.#alias(type);
  }

  /** A struct without a name is written where it is used, so its members are needed there. */
  #nameless(type: BtfType, whole: boolean, owner: number, depth: number): void {
    this.#each(this.#btf.members(type).map((member) => member.type), whole, owner, type, depth);
  }

  /** What stands in a type: members, or what a function takes and gives. */
  #each(ids: readonly number[], whole: boolean, owner: number, type: BtfType, depth: number): void {
    const before = this.#within;
    for (const id of ids) this.#need(id, type.kind !== Kind.FUNC_PROTO, owner, depth + 1);
    if (this.#within === before) this.#mark(type, whole ? DEFINED : DECLARED);
  }

  #record(type: BtfType, whole: boolean, owner: number, depth: number): void {
    if (!whole) return type.id === owner ? void this.#within++ : this.#declare(type);
    if (this.#is(type, IN_PROGRESS)) throw damaged(this.#btf.source, `${keyword(type)} ${type.name} contains itself`);
    this.#mark(type, IN_PROGRESS);
    for (const member of this.#btf.members(type)) this.#need(member.type, true, type.id, depth + 1);
    this.#mark(type, DEFINED | DECLARED);
    this.#write(`${this.#text.define(type)};\n`);
  }

  #typedef(type: BtfType, whole: boolean, depth: number): void {
    if (!this.#is(type, DECLARED)) {
      if (this.#is(type, IN_PROGRESS)) throw damaged(this.#btf.source, `typedef ${type.name} means itself`);
      this.#mark(type, IN_PROGRESS);
      this.#need(type.sizeOrType, false, 0, depth + 1);
      this.#mark(type, DECLARED);
      this.#write(`typedef ${this.#text.declare(type.sizeOrType, this.#text.nameOf(type))};\n`);
    }
    if (!whole) return;
    this.#need(type.sizeOrType, true, 0, depth + 1);
    this.#mark(type, DEFINED);
  }

  /** What depends on nothing: enums and forward declarations. */
  #simple(type: BtfType): void {
    if (isForward(type)) return this.#declare(type);
    this.#mark(type, DEFINED | DECLARED);
    if (type.name !== '') this.#write(`${this.#text.define(type)};\n`);
  }

  #declare(type: BtfType): void {
    this.#mark(type, isForward(type) ? DEFINED | DECLARED : DECLARED);
    if (type.name !== '') this.#write(`${this.#text.nameOf(type)};\n`);
  }

  /** A number that C calls otherwise. */
  #alias(type: BtfType): void {
    this.#mark(type, DEFINED | DECLARED);
    const name = this.#text.nameOf(type);
    this.#write(`typedef ${numberName(type, this.#btf.isSigned(type))} ${name};\n`);
  }

  #is({ id }: BtfType, bit: number): boolean {
    return (this.#state[id]! & bit) !== 0;
  }

  #mark({ id }: BtfType, bits: number): void {
    this.#state[id] = this.#state[id]! | bits;
  }

  #write(text: string): void {
    this.#parts.push(text);
  }
}

const HEAD = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`;

/** Programs may want to declare them by themselves, or call none. */
const FUNCTIONS_HEAD = '#ifndef BPF_NO_KFUNC_PROTOTYPES\n\n';
const FUNCTIONS_FOOT = '\n#endif\n';
const KFUNC_TAG = 'bpf_kfunc';

const FOOT = `
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;

const QUALIFIERS = new Set<number>([Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG]);

const isEnum = ({ kind }: BtfType): boolean => kind === Kind.ENUM || kind === Kind.ENUM64;

function numberName({ kind, sizeOrType }: BtfType, signed: boolean): string {
  if (kind === Kind.FLOAT) return sizeOrType === 4 ? 'float' : (sizeOrType === 8 ? 'double' : 'long double');
  const name = { 1: 'char', 2: 'short', 4: 'int', 8: 'long', 16: '__int128' }[sizeOrType] ?? 'int';
  return `${signed ? 'signed' : 'unsigned'} ${name}`;
}
