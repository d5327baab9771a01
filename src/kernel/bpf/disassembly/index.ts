/** Instructions of loaded programs, as text. */

export { type Instruction, readInstructions } from './instruction.ts';
export { KernelSymbols } from './kernel-symbols.ts';
export { type CodeNames, formatInstruction } from './text.ts';
