import { essentialName, Kind, type Btf, type BtfType } from '../../btf/index.ts';
import { isComposite } from './access.ts';

const MAX_DEPTH = 32;

/** A type in the BTF that it belongs to. */
export interface TypeRef {
  btf: Btf;
  id: number;
}

/**
 * Whether a field of one type may be read as the other: sizes may differ, kinds may not.
 *
 * @kernel libbpf bpf_core_fields_are_compat
 */
export function fieldsCompatible(local: TypeRef, target: TypeRef, depth: number = 0): boolean {
  const [a, b] = [local.btf.resolve(local.id), target.btf.resolve(target.id)];
  if (isComposite(a) && isComposite(b)) return true;
  if (enumOrKind(a) !== enumOrKind(b)) return false;
  if (a.kind === Kind.FWD || enumOrKind(a) === Kind.ENUM) return namesCompatible(a, b);
  if (a.kind !== Kind.ARRAY) return a.kind === Kind.PTR || a.kind === Kind.INT || a.kind === Kind.FLOAT;
  return depth < MAX_DEPTH && fieldsCompatible(element(local.btf, a), element(target.btf, b), depth + 1);
}

/**
 * Whether two types stand for the same: pointers, arrays and functions are followed, the insides of structs are not.
 *
 * @kernel libbpf bpf_core_types_are_compat
 */
export function typesCompatible(local: TypeRef, target: TypeRef, depth: number = 0): boolean {
  const [a, b] = [local.btf.resolve(local.id), target.btf.resolve(target.id)];
  if (depth > MAX_DEPTH || enumOrKind(a) !== enumOrKind(b)) return false;
  const follow = (from: number, to: number): boolean => typesCompatible({ btf: local.btf, id: from }, { btf: target.btf, id: to }, depth + 1);
  if (a.kind === Kind.PTR) return follow(a.sizeOrType, b.sizeOrType);
  if (a.kind === Kind.ARRAY) return follow(local.btf.array(a).element, target.btf.array(b).element);
  if (a.kind !== Kind.FUNC_PROTO) return OPAQUE.has(a.kind);
  const [from, to] = [local.btf.parameters(a), target.btf.parameters(b)];
  return from.length === to.length && from.every((id, i) => follow(id, to[i]!)) && follow(a.sizeOrType, b.sizeOrType);
}

const OPAQUE = new Set<number>([Kind.VOID, Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD, Kind.FLOAT]);

/** The two widths of enums count as one kind. */
const enumOrKind = ({ kind }: BtfType): number => (kind === Kind.ENUM64 ? Kind.ENUM : kind);

const namesCompatible = (a: BtfType, b: BtfType): boolean =>
  a.name === '' || b.name === '' || essentialName(a.name) === essentialName(b.name);

const element = (btf: Btf, array: BtfType): TypeRef => ({ btf, id: btf.array(array).element });
