/**
 * CO-RE: replaces what an object compiled in about its own copy of a kernel type by what holds on the running kernel.
 *
 *   relocation -> local answer (object's BTF) and kernel answer (every kernel type of that name) -> patched instruction
 *
 * @kernel libbpf relo_core.c; enum bpf_core_relo_kind of linux/bpf.h
 */

import { essentialName, Kind, type Btf, type CoreRelocation } from '../../btf/index.ts';
import { readAccess } from './access.ts';
import type { Answer } from './answer.ts';
import { typesCompatible, type TypeRef } from './compatible.ts';
import { cannotRelocate } from './error.ts';
import { fieldValue } from './field-value.ts';
import { CoreKind } from './kinds.ts';
import { locate } from './locate.ts';
import { typeMatches } from './matches.ts';
import { patch, poison } from './patch.ts';

export { typesCompatible } from './compatible.ts';

/** Applies the CO-RE relocations of one object; remembers the kernel types that it found. */
export class CoreRelocator {
  readonly #local: Btf;
  readonly #kernel: () => Btf;
  readonly #modules: () => readonly Btf[];
  readonly #candidates = new Map<number, TypeRef[]>();

  /**
   * @param kernel is asked for the first time when a relocation needs it
   * @param modules are asked for what the kernel itself has no type of
   */
  constructor(local: Btf, kernel: () => Btf, modules: () => readonly Btf[]) {
    this.#local = local;
    this.#kernel = kernel;
    this.#modules = modules;
  }

  /**
   * Changes the instruction at byte `at` of `code`. An access to what the kernel does not have becomes an instruction that
   * fails verification, unless it is never reached.
   *
   * @throws OperationError SL2404 for a kind that is not known, for kernel types of one name that answer differently, and for
   *   an instruction that does not carry what the object's own BTF says.
   */
  apply(code: Buffer, at: number, relocation: CoreRelocation): void {
    const what = this.#localOf(relocation);
    const answer = relocation.kind === CoreKind.TYPE_ID_LOCAL ? what.local : (this.#ask(relocation, what) ?? what.absent);
    if (answer === undefined) poison(code, at);
    else patch(code, at, { text: what.text, local: what.local, answer });
  }

  /** Finds what is wrong with a relocation whatever the kernel has. @throws OperationError SL2404 */
  check(code: Buffer, at: number, relocation: CoreRelocation): void {
    const { text, local } = this.#localOf(relocation);
    patch(Buffer.from(code), at, { text, local, answer: local });
  }

  #localOf(relocation: CoreRelocation): Question & { local: Answer } {
    const what = this.#relocationOf(relocation);
    if (what.local === undefined) throw cannotRelocate(what.text, `relocation kind ${relocation.kind} does not apply to it`);
    return { ...what, local: what.local };
  }

  #relocationOf(relocation: CoreRelocation): Question {
    if (relocation.kind <= CoreKind.FIELD_RSHIFT_U64) return fieldQuestion(this.#local, relocation);
    if (relocation.kind <= CoreKind.TYPE_SIZE || relocation.kind === CoreKind.TYPE_MATCHES) return typeQuestion(this.#local, relocation);
    if (relocation.kind <= CoreKind.ENUMVAL_VALUE) return enumQuestion(this.#local, relocation);
    throw cannotRelocate(this.#local.type(relocation.type).name, `relocation kind ${relocation.kind} is not supported`);
  }

  /** What the kernel's types of that name say, which must be the same. */
  #ask({ type }: CoreRelocation, { text, ask }: Question): Answer | undefined {
    const answers = this.#candidatesFor(type).map(({ btf, id }) => ask(btf, id)).filter((answer) => answer !== undefined);
    if (new Set(answers.map(({ value }) => value)).size > 1) throw cannotRelocate(text, 'the kernel has several types of that name, which differ');
    return answers[0];
  }

  #candidatesFor(type: number): TypeRef[] {
    const known = this.#candidates.get(type) ?? this.#findCandidates(type);
    this.#candidates.set(type, known);
    return known;
  }

  #findCandidates(type: number): TypeRef[] {
    const { name, kind } = this.#local.type(type);
    const kinds: number[] = kind === Kind.ENUM || kind === Kind.ENUM64 ? [Kind.ENUM, Kind.ENUM64] : [kind];
    const inBtf = (btf: Btf): TypeRef[] => btf.findFlavors(essentialName(name), kinds).filter((id) => id >= btf.firstId).map((id) => ({ btf, id }));
    const own = inBtf(this.#kernel());
    return own.length > 0 ? own : this.#modules().flatMap(inBtf);
  }
}

/** A relocation as a question to types. */
interface Question {
  /** What it is about, for messages. */
  text: string;
  /** The object's own answer; undefined where the question makes no sense. */
  local: Answer | undefined;
  ask(kernel: Btf, id: number): Answer | undefined;
  /** The answer when no type has one; undefined if the instruction must then not be reached. */
  absent: Answer | undefined;
}

const NO: Answer = { value: 0n, exact: false };
const YES: Answer = { value: 1n, exact: false };

function fieldQuestion(local: Btf, relocation: CoreRelocation): Question {
  const access = readAccess(local, relocation);
  const exists = relocation.kind === CoreKind.FIELD_EXISTS;
  return {
    text: access.text,
    local: exists ? YES : fieldValue(local, access.place, relocation.kind),
    ask: (kernel, id) => {
      const place = locate(local, access, kernel, id);
      if (place === undefined) return undefined;
      return exists ? YES : fieldValue(kernel, place, relocation.kind);
    },
    absent: exists ? NO : undefined,
  };
}

function typeQuestion(local: Btf, { type, kind }: CoreRelocation): Question {
  const answer = (btf: Btf, id: number): Answer => {
    if (kind === CoreKind.TYPE_EXISTS || kind === CoreKind.TYPE_MATCHES) return YES;
    return { value: BigInt(kind === CoreKind.TYPE_SIZE ? btf.sizeOf(id) : id), exact: false };
  };
  const isMet = kind === CoreKind.TYPE_MATCHES ? typeMatches : typesCompatible;
  return {
    text: local.type(type).name,
    local: answer(local, type),
    ask: (kernel, id) => (isMet({ btf: local, id: type }, { btf: kernel, id }) ? answer(kernel, id) : undefined),
    absent: NO,
  };
}

function enumQuestion(local: Btf, { type, access, kind }: CoreRelocation): Question {
  const { name = '', value } = enumeratorsOf(local, type)[Number(access)] ?? {};
  const exists = kind === CoreKind.ENUMVAL_EXISTS;
  return {
    text: `${local.type(type).name}::${name}`,
    local: value === undefined ? undefined : exists ? YES : { value, exact: true },
    ask: (kernel, id) => {
      const found = enumeratorsOf(kernel, id).find((other) => essentialName(other.name) === essentialName(name));
      if (found === undefined) return undefined;
      return exists ? YES : { value: found.value, exact: true };
    },
    absent: exists ? NO : undefined,
  };
}

function enumeratorsOf(btf: Btf, id: number): { name: string; value: bigint }[] {
  const type = btf.resolve(id);
  return type.kind === Kind.ENUM || type.kind === Kind.ENUM64 ? btf.enumerators(type) : [];
}
