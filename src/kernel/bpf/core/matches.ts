/**
 * Whether a kernel type has everything that the object's type has, by name and shape: what `bpf_core_type_matches()` asks.
 * Stricter than `typesCompatible`, which does not look inside.
 *
 * @kernel libbpf __bpf_core_types_match
 */

import { essentialName, Kind, type Btf, type BtfType } from '../../btf/index.ts';
import type { TypeRef } from './compatible.ts';

const MAX_DEPTH = 32;

/** Behind a pointer the inside of a struct does not count: it may even be only declared on either side. */
export function typeMatches(local: TypeRef, target: TypeRef, behindPointer: boolean = false, depth: number = 0): boolean {
  const [a, b] = [local.btf.resolve(local.id), target.btf.resolve(target.id)];
  if (depth > MAX_DEPTH || !sameName(a.name, b.name)) return false;
  const follow = (from: number, to: number, behind: boolean): boolean =>
    typeMatches({ btf: local.btf, id: from }, { btf: target.btf, id: to }, behind, depth + 1);
  switch (a.kind) {
    case Kind.VOID: return b.kind === Kind.VOID;
    case Kind.INT: return b.kind === Kind.INT && a.sizeOrType === b.sizeOrType && local.btf.isSigned(a) === target.btf.isSigned(b);
    case Kind.PTR: return b.kind === Kind.PTR && follow(a.sizeOrType, b.sizeOrType, true);
    case Kind.ARRAY:
      return b.kind === Kind.ARRAY && sameLength(local.btf, a, target.btf, b) && follow(local.btf.array(a).element, target.btf.array(b).element, behindPointer);
    case Kind.FUNC_PROTO: return b.kind === Kind.FUNC_PROTO && parametersMatch(local.btf, a, target.btf, b, (x, y) => follow(x, y, behindPointer));
    case Kind.ENUM:
    case Kind.ENUM64: return isEnum(b) && namesWithin(local.btf.enumerators(a), target.btf.enumerators(b));
    case Kind.FWD:
    case Kind.STRUCT:
    case Kind.UNION:
      if (behindPointer) return isUnion(a) === isUnion(b) && isAggregate(b);
      return a.kind === b.kind && membersMatch(local.btf, a, target.btf, b, (x, y) => follow(x, y, false));
    default: return false;
  }
}

/** Without their flavors; a type without a name only matches another one. */
const sameName = (a: string, b: string): boolean => essentialName(a) === essentialName(b);

const isEnum = ({ kind }: BtfType): boolean => kind === Kind.ENUM || kind === Kind.ENUM64;

const isAggregate = ({ kind }: BtfType): boolean => kind === Kind.FWD || kind === Kind.STRUCT || kind === Kind.UNION;

const isUnion = ({ kind, flag }: BtfType): boolean => kind === Kind.UNION || (kind === Kind.FWD && flag);

const sameLength = (local: Btf, a: BtfType, target: Btf, b: BtfType): boolean => local.array(a).length === target.array(b).length;

function parametersMatch(local: Btf, a: BtfType, target: Btf, b: BtfType, follow: (x: number, y: number) => boolean): boolean {
  const [from, to] = [local.parameters(a), target.parameters(b)];
  return from.length === to.length && from.every((id, i) => follow(id, to[i]!)) && follow(a.sizeOrType, b.sizeOrType);
}

const namesWithin = (a: readonly { name: string }[], b: readonly { name: string }[]): boolean =>
  a.length <= b.length && a.every(({ name }) => b.some((other) => sameName(name, other.name)));

/** Declarations without members match each other when both stand for the same kind. */
function membersMatch(local: Btf, a: BtfType, target: Btf, b: BtfType, follow: (x: number, y: number) => boolean): boolean {
  if (a.kind === Kind.FWD) return a.flag === b.flag;
  const members = target.members(b);
  return a.vlen <= b.vlen && local.members(a).every(({ name, type }) => members.some((other) => sameName(name, other.name) && follow(type, other.type)));
}
