/** One instruction of a program. @kernel struct bpf_insn; Documentation/bpf/standardization/instruction-set.rst */

export interface Instruction {
  /** Position in the program, in units of 8 bytes. */
  index: number;
  code: number;
  dst: number;
  src: number;
  /** Signed. */
  off: number;
  /** Signed. */
  imm: number;
  /** The second half of an instruction that takes two units. */
  next?: { imm: number };
}

const BYTES = 8;
/** `BPF_LD | BPF_DW | BPF_IMM` */
const LD_IMM64 = 0x18;

/** All instructions of a program, in order. A wide one without its second half is left narrow. */
export function readInstructions(code: Buffer): Instruction[] {
  const instructions: Instruction[] = [];
  for (let at = 0; at + BYTES <= code.length; ) {
    const isWide = code[at] === LD_IMM64 && at + 2 * BYTES <= code.length;
    instructions.push({
      index: at / BYTES, code: code[at]!, dst: code[at + 1]! & 15, src: code[at + 1]! >> 4, off: code.readInt16LE(at + 2), imm: code.readInt32LE(at + 4),
      ...(isWide ? { next: { imm: code.readInt32LE(at + BYTES + 4) } } : {}),
    });
    at += isWide ? 2 * BYTES : BYTES;
  }
  return instructions;
}

/** The 64-bit number of a wide instruction. */
export const wideNumber = ({ imm, next }: Instruction): bigint =>
  BigInt.asUintN(32, BigInt(imm)) | (BigInt.asUintN(32, BigInt(next?.imm ?? 0)) << 32n);
