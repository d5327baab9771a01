import { OperationError } from '../../lib/errors.ts';
import { address, type Fd } from '../syscalls/index.ts';
import { cString, objectInfo } from './info.ts';

/** A program as the kernel keeps it: after the verifier has rewritten it, and as machine code. */
export interface ProgramCode {
  name: string;
  /** `struct bpf_insn`; calls of helpers hold the distance from `__bpf_call_base`. */
  translated: Buffer;
  /** Machine code of all functions; empty where the program is interpreted. */
  jited: Buffer;
  /** BTF object that `functions` and `lines` refer to; 0 without one. */
  btfId: number;
  /** Where functions start, in order, and their types. */
  functions: { index: number; typeId: number }[];
  /** Source lines, in the order of their first instruction. `file` and `text` are offsets of strings. */
  lines: { index: number; file: number; text: number; line: number; column: number }[];
  /** Where the machine code of each function lies, and its length in `jited`. */
  jitedFunctions: { address: bigint; length: number }[];
}

/** Offsets in struct bpf_prog_info: where the count or length stands, and the address; then the bytes of an element. */
const ARRAYS = {
  jited: [16, 24, 1], translated: [20, 32, 1], addresses: [104, 112, 8], lengths: [108, 120, 4], functions: [144, 136, 8], lines: [148, 152, 16],
} as const;
const INFO_BYTES = 232;
/** Where the kernel wants to be told the size of an element. */
const RECORD_SIZES = [[132, 8], [172, 16]] as const;

/**
 * Reads the code of a program.
 *
 * @throws OperationError SL2453 where the kernel does not show it: constants are blinded, or addresses hidden.
 * @kernel bpf_prog_get_info_by_fd
 */
export function readProgramCode(fd: Fd): ProgramCode {
  const counts = objectInfo(fd, INFO_BYTES);
  const arrays = Object.fromEntries(Object.entries(ARRAYS).map(([name, [count, , size]]) => [name, Buffer.alloc(counts.readUInt32LE(count) * size)])) as Record<keyof typeof ARRAYS, Buffer>;
  const info = objectInfo(fd, INFO_BYTES, (request) => {
    for (const [field, size] of RECORD_SIZES) request.writeUInt32LE(size, field);
    for (const [name, [count, pointer]] of Object.entries(ARRAYS)) {
      const buffer = arrays[name as keyof typeof ARRAYS];
      if (buffer.length === 0) continue;
      request.writeUInt32LE(counts.readUInt32LE(count), count);
      request.writeBigUInt64LE(address(buffer), pointer);
    }
  });
  const name = cString(info.subarray(64, 80));
  // The kernel clears the addresses of what it keeps to itself.
  if (arrays.translated.length === 0 || info.readBigUInt64LE(ARRAYS.translated[1]) === 0n)
    throw new OperationError(`the kernel does not show the instructions of ${name}`, { code: 'SL2453', causes: ['its constants are blinded (net.core.bpf_jit_harden), or addresses are hidden (kernel.kptr_restrict)'] });
  return { name, btfId: info.readUInt32LE(128), ...decode(arrays) };
}

const decode = ({ jited, translated, addresses, lengths, functions, lines }: Record<keyof typeof ARRAYS, Buffer>): Omit<ProgramCode, 'name' | 'btfId'> => ({
  jited, translated,
  functions: rows(functions, 8, (at) => ({ index: functions.readUInt32LE(at), typeId: functions.readUInt32LE(at + 4) })),
  lines: rows(lines, 16, (at) => {
    const place = lines.readUInt32LE(at + 12);
    // 22 bits of line, 10 of column.
    return { index: lines.readUInt32LE(at), file: lines.readUInt32LE(at + 4), text: lines.readUInt32LE(at + 8), line: place >>> 10, column: place & 0x3ff };
  }),
  jitedFunctions: rows(lengths, 4, (at) => ({ address: addresses.length >= at * 2 + 8 ? addresses.readBigUInt64LE(at * 2) : 0n, length: lengths.readUInt32LE(at) })),
});

const rows = <T>(buffer: Buffer, size: number, read: (at: number) => T): T[] => Array.from({ length: buffer.length / size }, (_, i) => read(i * size));
