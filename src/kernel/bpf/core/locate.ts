import { Kind, type Btf, type BtfType, type Member } from '../../btf/index.ts';
import { isComposite, type Access, type Place, type Step } from './access.ts';
import { fieldsCompatible } from './compatible.ts';

/** Structs within structs that are looked into for a member; more is a circle. */
const MAX_DEPTH = 64;

/**
 * Where the object's access leads in a kernel type; undefined where that has no such field, or one of another kind.
 *
 * @kernel libbpf bpf_core_spec_match
 */
export function locate(local: Btf, { first, steps }: Access, kernel: Btf, root: number): Place | undefined {
  let place: Place | undefined = { type: kernel.resolve(root).id, bitOffset: first * kernel.sizeOf(root) * 8 };
  for (const step of steps) {
    if (place === undefined) return undefined;
    place = step.name === undefined ? element(kernel, place, step.index) : member(local, { ...step, name: step.name }, kernel, place);
  }
  return place;
}

/** The type that a place has, behind its member. */
const typeAt = (kernel: Btf, { type, member: at }: Place): BtfType => kernel.resolve(at?.type ?? type);

function element(kernel: Btf, from: Place, index: number): Place | undefined {
  const array = typeAt(kernel, from);
  if (array.kind !== Kind.ARRAY) return undefined;
  const { element: type, length } = kernel.array(array);
  // An array without length ends a struct, and goes on behind it.
  if (length > 0 && index >= length) return undefined;
  return { type: kernel.resolve(type).id, bitOffset: from.bitOffset + index * kernel.sizeOf(type) * 8 };
}

function member(local: Btf, step: Step & { name: string }, kernel: Btf, from: Place): Place | undefined {
  const found = findMember(kernel, typeAt(kernel, from), step.name, from.bitOffset, 0);
  if (found === undefined || !fieldsCompatible({ btf: local, id: step.type }, { btf: kernel, id: found.member.type })) return undefined;
  return found;
}

/** A member by name, also inside members without one, as C sees them. */
function findMember(kernel: Btf, type: BtfType, name: string, bitOffset: number, depth: number): (Place & { member: Member }) | undefined {
  if (!isComposite(type) || depth > MAX_DEPTH) return undefined;
  for (const candidate of kernel.members(type)) {
    const at = bitOffset + candidate.bitOffset;
    if (candidate.name === name) return { type: type.id, member: candidate, bitOffset: at };
    const inside = candidate.name === '' ? findMember(kernel, kernel.resolve(candidate.type), name, at, depth + 1) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}
