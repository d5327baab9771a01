import { Kind, type Btf } from '../../btf/index.ts';
import type { Place } from './access.ts';
import { CoreKind } from './kinds.ts';
import type { Answer } from './answer.ts';

/**
 * What a relocation of `kind` says about a field at `place`; undefined for a kind that does not apply to it.
 *
 * @kernel libbpf bpf_core_calc_field_relo
 */
export function fieldValue(btf: Btf, place: Place, kind: number): Answer | undefined {
  const type = place.member?.type ?? place.type;
  if (place.member !== undefined && place.member.bitSize > 0) return bitFieldValue(btf, place, place.member.bitSize, kind);
  const size = btf.sizeOf(type);
  switch (kind) {
    case CoreKind.FIELD_BYTE_OFFSET: return { value: BigInt(Math.floor(place.bitOffset / 8)), exact: true, loads: { btf, id: elementOf(btf, type) } };
    case CoreKind.FIELD_BYTE_SIZE: return { value: BigInt(size), exact: true };
    case CoreKind.FIELD_SIGNED: return { value: signed(btf, type), exact: true };
    case CoreKind.FIELD_LSHIFT_U64:
    case CoreKind.FIELD_RSHIFT_U64: return { value: BigInt(64 - size * 8), exact: true };
    default: return undefined;
  }
}

/** A bit field is read with the smallest aligned load that holds it, and shifted up and down; compilers may choose another. */
function bitFieldValue(btf: Btf, { bitOffset, member }: Place, bits: number, kind: number): Answer | undefined {
  let bytes = Math.max(1, btf.sizeOf(member!.type));
  while (bytes < 8 && bitOffset + bits > loadStart(bitOffset, bytes) * 8 + bytes * 8) bytes *= 2;
  const start = loadStart(bitOffset, bytes);
  switch (kind) {
    case CoreKind.FIELD_BYTE_OFFSET: return { value: BigInt(start), exact: false };
    case CoreKind.FIELD_BYTE_SIZE: return { value: BigInt(bytes), exact: false };
    case CoreKind.FIELD_SIGNED: return { value: signed(btf, member!.type), exact: true };
    case CoreKind.FIELD_LSHIFT_U64: return { value: BigInt(64 - (bitOffset + bits - start * 8)), exact: false };
    case CoreKind.FIELD_RSHIFT_U64: return { value: BigInt(64 - bits), exact: true };
    default: return undefined;
  }
}

const loadStart = (bitOffset: number, bytes: number): number => Math.floor(bitOffset / 8 / bytes) * bytes;

/** For arrays the load is of one element. */
function elementOf(btf: Btf, id: number): number {
  let type = btf.resolve(id);
  for (let depth = 0; type.kind === Kind.ARRAY && depth < 32; depth++) type = btf.resolve(btf.array(type).element);
  return type.id;
}

function signed(btf: Btf, id: number): bigint {
  const type = btf.resolve(id);
  const isNumber = type.kind === Kind.INT || type.kind === Kind.ENUM || type.kind === Kind.ENUM64;
  return isNumber && btf.isSigned(type) ? 1n : 0n;
}
