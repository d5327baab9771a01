/** Names in C: a type's tag, a typedef, an enumerator. */

import { type Btf, type BtfType, Kind } from '../btf.ts';

/** Longer ones the kernel refuses (KSYM_NAME_LEN). */
const MAX_LENGTH = 511;
/** What C calls integers and floating point numbers; other names, as Rust has them, need a typedef. */
const BUILT_IN = /^(?:(?:unsigned|signed|short|long|int|char|_Bool|__int128|float|double|_Complex|void) ?)+$/;

/** What needs no change, as nearly all names: looking is far cheaper than replacing. */
const PLAIN = /^[A-Za-z_]\w{0,510}$/;

/** A name that C and a terminal take: everything else than letters, digits and underscores is replaced. */
export const identifier = (name: string): string =>
  (PLAIN.test(name) ? name : name.slice(0, MAX_LENGTH).replace(/\W/g, '_').replace(/^(?=\d)/, '_'));

/** Whether C has the type without a declaration. */
export const isBuiltIn = (name: string): boolean => BUILT_IN.test(name);

/**
 * The names under which the types of a BTF blob are declared.
 *
 * Types of several translation units may share a name, which C forbids: the first keeps it, the next is `name___2`, a flavor
 * that CO-RE reads as `name`.
 */
export class CNames {
  /** Of structs, unions and enums, which share one namespace; with the kind that took it. */
  readonly #tags = new Map<string, number>();
  /** Of typedefs and enumerators, which share another; in it the compiler has a type that is not the kernel's of that name. */
  readonly #identifiers = new Map<string, number>([['__builtin_va_list', 1]]);
  readonly #byId: (string | undefined)[] = [];
  /** Names of the definitions that declarations without a body mean, by kind and name; empty where there is none. */
  readonly #defined = new Map<string, string>();

  constructor(types: readonly BtfType[]) {
    for (const type of types) if (isForward(type)) this.#defined.set(keyOf(type), '');
    for (const type of types) {
      if (type.name === '') continue;
      if (isTagged(type)) this.#byId[type.id] = this.#define(type);
      else if (type.kind === Kind.TYPEDEF || isAlias(type)) this.#byId[type.id] = unique(this.#identifiers, identifier(type.name));
    }
    for (const type of types) if (type.name !== '' && isForward(type)) this.#byId[type.id] = this.#declare(type);
  }

  /** The name of a type with one. */
  of({ id, name }: BtfType): string {
    return this.#byId[id] ?? name;
  }

  /** A name for an enumerator, each time another: C has them all in one scope. */
  enumerator(name: string): string {
    return unique(this.#identifiers, identifier(name));
  }

  #define(type: BtfType): string {
    const name = unique(this.#tags, identifier(type.name));
    const key = this.#defined.size === 0 ? '' : keyOf(type);
    if (this.#defined.get(key) === '') this.#defined.set(key, name);
    return name;
  }

  /** A declaration means the first definition of its kind and name; without one it takes a name of its own. */
  #declare(type: BtfType): string {
    return this.#defined.get(keyOf(type)) || this.#define(type);
  }
}

const keyOf = (type: BtfType): string => `${keyword(type)} ${type.name}`;

/** `struct`, `union` or `enum`, also of a forward declaration. */
export function keyword({ kind, flag }: BtfType): string {
  if (kind === Kind.ENUM || kind === Kind.ENUM64) return 'enum';
  return kind === Kind.UNION || (kind === Kind.FWD && flag) ? 'union' : 'struct';
}

/** Whether it declares a tag without a body. */
export const isForward = ({ kind, vlen }: BtfType): boolean => kind === Kind.FWD || (vlen === 0 && (kind === Kind.ENUM || kind === Kind.ENUM64));

/** A number under a name that C does not know. */
export const isAlias = ({ kind, name }: BtfType): boolean => (kind === Kind.INT || kind === Kind.FLOAT) && !isBuiltIn(name);

const isTagged = (type: BtfType): boolean =>
  !isForward(type) && (type.kind === Kind.STRUCT || type.kind === Kind.UNION || type.kind === Kind.ENUM || type.kind === Kind.ENUM64);

function unique(taken: Map<string, number>, name: string): string {
  const count = (taken.get(name) ?? 0) + 1;
  taken.set(name, count);
  return count === 1 ? name : unique(taken, `${name}___${count}`);
}

/** Kinds that C declares; most types are functions, pointers and qualifiers, which stand inside of others. */
const DECLARED = new Set<number>([Kind.INT, Kind.FLOAT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD, Kind.TYPEDEF]);

/** The types of a blob that C declares, by id. */
export function declaredTypes(btf: Btf): BtfType[] {
  const types: BtfType[] = [];
  for (let id = 1; id < btf.count; id++) if (DECLARED.has(btf.kind(id))) types.push(btf.type(id));
  return types;
}
