/**
 * Instructions as text, in the notation of the verifier's log and of bpftool, with names where those have numbers.
 *
 * @kernel kernel/bpf/disasm.c
 */

import { wideNumber, type Instruction } from './instruction.ts';

/** Names for what instructions refer to; undefined where nobody knows one. */
export interface CodeNames {
  /** A map by its id, such as `flows`. */
  map(id: number): string | undefined;
  /** What stands at a byte of the value in a data section's map, such as `counter+4`. */
  variable(mapId: number, offset: number): string | undefined;
  /** The function of the program that starts at an instruction. */
  subprogram(index: number): string | undefined;
  /** A function of the kernel that is called: a helper, or a kfunc. */
  kernelFunction(instruction: Instruction): string | undefined;
  /** A symbol of the kernel. */
  symbol(address: bigint): string | undefined;
}

/** The text of one instruction, opcode in front: `(bf) r6 = r1`. */
export function formatInstruction(instruction: Instruction, names: CodeNames): string {
  const text = (CLASSES[instruction.code & CLASS] ?? unknown)(instruction, names);
  return `(${instruction.code.toString(16).padStart(2, '0')}) ${text}`;
}

type Format = (instruction: Instruction, names: CodeNames) => string;

const CLASS = 0x07;
/** Second operand is a register (BPF_X). */
const X = 0x08;
const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);
const unknown: Format = ({ code, src, dst, off, imm }) => `unknown code ${code} dst ${dst} src ${src} off ${off} imm ${imm}`;

/* Arithmetic */

const ALU = 0x04;
const NEG = 0x80;
const MOV = 0xb0;
const END = 0xd0;
const OPERATORS: Readonly<Record<number, string>> = {
  0x00: '+=', 0x10: '-=', 0x20: '*=', 0x30: '/=', 0x40: '|=', 0x50: '&=', 0x60: '<<=', 0x70: '>>=', 0x90: '%=', 0xa0: '^=', [MOV]: '=', 0xc0: 's>>=',
};
/** Division of signed numbers has an offset of 1. */
const SIGNED_OPERATORS: Readonly<Record<number, string>> = { 0x30: 's/=', 0x90: 's%=' };
/** Offsets of a move between registers that is more than one. @kernel BPF_ADDR_SPACE_CAST, BPF_ADDR_PERCPU */
const ADDRESS_SPACE_CAST = 1;
const PER_CPU_ADDRESS = -1;

const alu: Format = (instruction, names) => {
  const { code, dst, off, imm } = instruction;
  const operation = code & 0xf0;
  if (operation === END) return swap(instruction);
  const [register, number] = [(code & CLASS) === ALU ? 'w' : 'r', dst];
  if (operation === NEG) return `${register}${number} = -${register}${number}`;
  const operator = off === 1 ? (SIGNED_OPERATORS[operation] ?? OPERATORS[operation]) : OPERATORS[operation];
  if (operator === undefined) return unknown(instruction, names);
  return (code & X) === 0 ? `${register}${number} ${operator} ${imm}` : registers(instruction, register, operator);
};

/** Arithmetic of two registers; a move may widen a sign, or change the space of an address. */
function registers({ code, dst, src, off, imm }: Instruction, register: string, operator: string): string {
  if ((code & 0xf0) !== MOV || off === 0) return `${register}${dst} ${operator} ${register}${src}`;
  if (off === ADDRESS_SPACE_CAST) return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
  if (off === PER_CPU_ADDRESS) return `r${dst} = &(void __percpu *)(r${src})`;
  return `${register}${dst} = (s${off})${register}${src}`;
}

/** `bswap` always swaps; the older form turns to a byte order. */
function swap({ code, dst, imm }: Instruction): string {
  if ((code & CLASS) !== ALU) return `r${dst} = bswap${imm} r${dst}`;
  return `r${dst} = ${(code & X) === 0 ? 'le' : 'be'}${imm} r${dst}`;
}

/* Memory */

const SIZES: Readonly<Record<number, string>> = { 0x00: '32', 0x08: '16', 0x10: '8', 0x18: '64' };
const sizeOf = (code: number): string => SIZES[code & 0x18]!;
const place = (code: number, register: number, off: number, sign: string = 'u'): string => `*(${sign}${sizeOf(code)} *)(r${register} ${signed(off)})`;
const pointer = (code: number, register: number, off: number): string => place(code, register, off).slice(1);
/** Modes of access. */
const [ABS, IND, MEM, MEMSX, ATOMIC, NOSPEC] = [0x20, 0x40, 0x60, 0x80, 0xc0, 0xc0];
const modeOf = (code: number): number => code & 0xe0;

const load: Format = (instruction, names) => {
  const { code, dst, src, off } = instruction;
  if (modeOf(code) !== MEM && modeOf(code) !== MEMSX) return unknown(instruction, names);
  return `r${dst} = ${place(code, src, off, modeOf(code) === MEM ? 'u' : 's')}`;
};

const storeNumber: Format = (instruction, names) => {
  const { code, dst, off, imm } = instruction;
  if (modeOf(code) === NOSPEC) return 'nospec';
  return modeOf(code) === MEM ? `${place(code, dst, off)} = ${imm}` : unknown(instruction, names);
};

const storeRegister: Format = (instruction, names) => {
  const { code, dst, src, off } = instruction;
  if (modeOf(code) === MEM) return `${place(code, dst, off)} = r${src}`;
  return modeOf(code) === ATOMIC ? atomic(instruction, names) : unknown(instruction, names);
};

const FETCH = 0x01;
const [EXCHANGE, COMPARE_EXCHANGE, LOAD_ACQUIRE, STORE_RELEASE] = [0xe1, 0xf1, 0x100, 0x110];
const ATOMICS: Readonly<Record<number, readonly [operator: string, name: string]>> = {
  0x00: ['+=', 'add'], 0x40: ['|=', 'or'], 0x50: ['&=', 'and'], 0xa0: ['^=', 'xor'],
};

/** The kind of an atomic operation is in `imm`. */
const atomic: Format = (instruction, names) => {
  const { code, dst, src, off, imm } = instruction;
  const width = sizeOf(code) === '64' ? '64' : '';
  if (imm === LOAD_ACQUIRE) return `r${dst} = load_acquire(${pointer(code, src, off)})`;
  if (imm === STORE_RELEASE) return `store_release(${pointer(code, dst, off)}, r${src})`;
  if (imm === EXCHANGE) return `r${src} = atomic${width}_xchg(${pointer(code, dst, off)}, r${src})`;
  if (imm === COMPARE_EXCHANGE) return `r0 = atomic${width}_cmpxchg(${pointer(code, dst, off)}, r0, r${src})`;
  const [operator, name] = ATOMICS[imm & ~FETCH] ?? [];
  if (operator === undefined) return unknown(instruction, names);
  if ((imm & FETCH) !== 0) return `r${src} = atomic${width}_fetch_${name}(${pointer(code, dst, off)}, r${src})`;
  return `lock ${place(code, dst, off)} ${operator} r${src}`;
};

/* Numbers of 64 bits, and the packet access of classic BPF */

const loadSpecial: Format = (instruction, names) => {
  const { code, dst, src, imm } = instruction;
  const mode = modeOf(code);
  if (mode === ABS) return `r0 = *(u${sizeOf(code)} *)skb[${imm}]`;
  if (mode === IND) return `r0 = *(u${sizeOf(code)} *)skb[r${src} + ${imm}]`;
  return mode === 0 && sizeOf(code) === '64' ? `r${dst} = ${wide(instruction, names)}` : unknown(instruction, names);
};

/** What `src` makes of a wide number. @kernel BPF_PSEUDO_* */
function wide(instruction: Instruction, names: CodeNames): string {
  const { index, src, imm, next } = instruction;
  const labelled = (text: string, name: string | undefined): string => (name === undefined ? text : `${text} <${name}>`);
  switch (src) {
    case 1:
      return mapText(imm, names);
    case 2:
      return labelled(`${mapText(imm, names)}[0]+${next?.imm ?? 0}`, names.variable(imm, next?.imm ?? 0));
    case 4:
      return labelled(`subprog[${signed(imm)}]`, names.subprogram(index + 1 + imm));
    case 5:
      return `map[idx:${imm}]`;
    case 6:
      return `map[idx:${imm}][0]+${next?.imm ?? 0}`;
    default: {
      const number = wideNumber(instruction);
      return labelled(`0x${number.toString(16)}`, src === 0 ? undefined : names.symbol(number));
    }
  }
}

const mapText = (id: number, names: CodeNames): string => {
  const name = names.map(id);
  return `map[id:${id}${name === undefined ? '' : ` ${name}`}]`;
};

/* Jumps */

const JUMP32 = 0x06;
const [GOTO, CALL, EXIT, MAY_GOTO] = [0x00, 0x80, 0x90, 0xe0];
const CONDITIONS: Readonly<Record<number, string>> = {
  0x10: '==', 0x20: '>', 0x30: '>=', 0x40: '&', 0x50: '!=', 0x60: 's>', 0x70: 's>=', 0xa0: '<', 0xb0: '<=', 0xc0: 's<', 0xd0: 's<=',
};

const jump: Format = (instruction, names) => {
  const { code, dst, src, off, imm } = instruction;
  const [operation, isShort] = [code & 0xf0, (code & CLASS) === JUMP32];
  if (operation === GOTO) return isShort ? `gotol pc${signed(imm)}` : `goto pc${signed(off)}`;
  if (operation === CALL && !isShort) return call(instruction, names);
  if (operation === EXIT && !isShort) return 'exit';
  if (operation === MAY_GOTO && !isShort && src === 0) return `may_goto pc${signed(off)}`;
  const condition = CONDITIONS[operation];
  if (condition === undefined) return unknown(instruction, names);
  const register = isShort ? 'w' : 'r';
  const operand = (code & X) === 0 ? `0x${(imm >>> 0).toString(16)}` : `${register}${src}`;
  return `if ${register}${dst} ${condition} ${operand} goto pc${signed(off)}`;
};

/** A function of the program (`src` 1), whose distance the kernel leaves in `off`, or one of the kernel. */
function call(instruction: Instruction, names: CodeNames): string {
  const { index, src, off } = instruction;
  if (src !== 1) return `call ${names.kernelFunction(instruction) ?? (src === 2 ? 'kernel-function' : 'unknown')}`;
  const name = names.subprogram(index + 1 + off);
  return `call pc${signed(off)}${name === undefined ? '' : ` <${name}>`}`;
}

const CLASSES: readonly Format[] = [loadSpecial, load, storeNumber, storeRegister, alu, jump, jump, alu];
