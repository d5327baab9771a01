import { Kind } from '../../btf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import type { Answer } from './answer.ts';
import type { TypeRef } from './compatible.ts';
import { cannotRelocate } from './error.ts';

/** No helper has this number: the verifier refuses the call, but only where it can be reached. The same as libbpf's. */
const BAD_HELPER = 0x0bad2310;

interface Patch {
  text: string;
  local: Answer;
  answer: Answer;
}

/**
 * Puts a relocated value where the instruction keeps it: the offset of a load or store, else the immediate.
 *
 * @throws OperationError SL2404 where the instruction does not hold the local value, or cannot hold the new one.
 * @kernel libbpf bpf_core_patch_insn
 */
export function patch(code: Buffer, at: number, { text, local, answer }: Patch): void {
  const kind = code[at]! & 7;
  const write = WRITERS[kind];
  if (write === undefined) throw cannotRelocate(text, `instruction ${code[at]} carries no value`);
  const before = write.read(code, at);
  if (local.exact && before !== BigInt.asIntN(write.bits, local.value)) throw cannotRelocate(text, `the instruction has ${before} where the object's BTF says ${local.value}`);
  if (isLoadOrStore(kind) && !adjustSize(code, at, text, local, answer)) return poison(code, at);
  try {
    write.write(code, at, answer.value);
  } catch {
    throw cannotRelocate(text, `${answer.value} does not fit into the instruction`);
  }
}

interface Writer {
  bits: number;
  /** Sign-extended. */
  read(code: Buffer, at: number): bigint;
  /** @throws RangeError */
  write(code: Buffer, at: number, value: bigint): void;
}

const OFFSET: Writer = {
  bits: 16,
  read: (code, at) => BigInt(code.readInt16LE(at + 2)),
  write: (code, at, value) => code.writeInt16LE(Number(value), at + 2),
};
const IMMEDIATE: Writer = {
  bits: 32,
  read: (code, at) => BigInt(code.readInt32LE(at + 4)),
  // Unsigned values fill it whole: the instruction's own meaning decides about the sign.
  write: (code, at, value) => (value < 0n ? code.writeInt32LE(Number(value), at + 4) : code.writeUInt32LE(Number(value), at + 4)),
};
/** Two slots: the low half in the first, the high one in the second. */
const IMMEDIATE_64: Writer = {
  bits: 64,
  read: (code, at) => BigInt.asIntN(64, BigInt(code.readUInt32LE(at + 4)) | (BigInt(code.readUInt32LE(at + 12)) << 32n)),
  write: (code, at, value) => {
    code.writeUInt32LE(Number(BigInt.asUintN(32, value)), at + 4);
    code.writeUInt32LE(Number(BigInt.asUintN(32, value >> 32n)), at + 12);
  },
};

const WRITERS: Readonly<Record<number, Writer>> = {
  [uapi.BPF_LD]: IMMEDIATE_64, [uapi.BPF_LDX]: OFFSET, [uapi.BPF_ST]: OFFSET, [uapi.BPF_STX]: OFFSET, [uapi.BPF_ALU]: IMMEDIATE, [uapi.BPF_ALU64]: IMMEDIATE,
};

const isLoadOrStore = (kind: number): boolean => kind === uapi.BPF_LDX || kind === uapi.BPF_ST || kind === uapi.BPF_STX;

/** BPF_SIZE bits by bytes. */
const SIZE_BITS: Readonly<Record<number, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };

/**
 * Makes the load as wide as the field is in the kernel. False where that would change its meaning: only pointers and
 * unsigned integers may be read with another width.
 */
function adjustSize(code: Buffer, at: number, text: string, local: Answer, { loads }: Answer): boolean {
  if (local.loads === undefined || loads === undefined) return true;
  const [before, after] = [local.loads, loads].map(({ btf, id }) => btf.sizeOf(id));
  if (before === after) return true;
  if (!resizable(local.loads) || !resizable(loads)) return false;
  const bits = SIZE_BITS[after!];
  if (bits === undefined) throw cannotRelocate(text, `nothing loads ${after} bytes at once`);
  if (SIZE_BITS[before!] !== (code[at]! & 0x18)) throw cannotRelocate(text, `the instruction does not load all of its ${before} bytes`);
  code[at] = (code[at]! & ~0x18) | bits;
  return true;
}

function resizable({ btf, id }: TypeRef): boolean {
  const type = btf.resolve(id);
  return type.kind === Kind.PTR || (type.kind === Kind.INT && !btf.isSigned(type));
}

/** Makes an access to what this kernel lacks a call of an impossible helper, in both slots of a wide instruction. */
export function poison(code: Buffer, at: number): void {
  const slots = code[at] === uapi.OP_LD_IMM64 ? 2 : 1;
  for (let slot = at; slot < at + slots * 8; slot += 8) {
    code.fill(0, slot, slot + 8);
    code[slot] = uapi.OP_CALL;
    code.writeInt32LE(BAD_HELPER, slot + 4);
  }
}
