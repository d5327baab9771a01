import { OperationError } from '../../lib/errors.ts';
import type { Btf } from './btf.ts';

/** A record of `.BTF.ext`; `offset` is in bytes from the start of its section, `words` follow it. */
export interface InfoRecord {
  offset: number;
  words: number[];
}

/** A CO-RE relocation: the instruction at `offset` depends on `access` (`0:1:2`) of local type `type`. */
export interface CoreRelocation {
  offset: number;
  type: number;
  access: string;
  /** enum bpf_core_relo_kind */
  kind: number;
}

/** `.BTF.ext` by ELF section name. */
export interface Extensions {
  /** One word: the function's type. */
  functions: Map<string, InfoRecord[]>;
  /** Three words: file name, text of the line, line and column. */
  lines: Map<string, InfoRecord[]>;
  relocations: Map<string, CoreRelocation[]>;
}

const HEADER_BYTES = 24;
/** With the table of relocations, which LLVM has written since version 10. */
const FULL_HEADER_BYTES = 32;

/**
 * Reads `.BTF.ext`; an empty section gives empty tables.
 *
 * @throws OperationError SL2402 when it is damaged. @kernel struct btf_ext_header of libbpf
 */
export function readExtensions(bytes: Buffer, btf: Btf): Extensions {
  if (bytes.length < HEADER_BYTES) return { functions: new Map(), lines: new Map(), relocations: new Map() };
  const header = bytes.readUInt32LE(4);
  const table = (field: number, words: number): Map<string, InfoRecord[]> => {
    const start = header + bytes.readUInt32LE(field);
    return readTable(bytes.subarray(start, start + bytes.readUInt32LE(field + 4)), words, btf);
  };
  const relocations = header >= FULL_HEADER_BYTES && bytes.length >= FULL_HEADER_BYTES ? table(24, 3) : new Map<string, InfoRecord[]>();
  return { functions: table(8, 1), lines: table(16, 3), relocations: toRelocations(relocations, btf) };
}

/** Records may be longer than the `words` that are known. */
function readTable(bytes: Buffer, words: number, btf: Btf): Map<string, InfoRecord[]> {
  const sections = new Map<string, InfoRecord[]>();
  if (bytes.length < 4) return sections;
  const size = bytes.readUInt32LE(0);
  if (size < 4 + words * 4) throw damaged(btf, `records of ${size} bytes`);
  for (let at = 4; at + 8 <= bytes.length; ) {
    const count = bytes.readUInt32LE(at + 4);
    if (at + 8 + count * size > bytes.length) throw damaged(btf, 'truncated');
    const records = Array.from({ length: count }, (_, i) => readRecord(bytes, at + 8 + i * size, words));
    sections.set(btf.string(bytes.readUInt32LE(at)), records);
    at += 8 + count * size;
  }
  return sections;
}

const readRecord = (bytes: Buffer, at: number, words: number): InfoRecord => ({
  offset: bytes.readUInt32LE(at), words: Array.from({ length: words }, (_, i) => bytes.readUInt32LE(at + 4 + i * 4)),
});

const toRelocations = (tables: Map<string, InfoRecord[]>, btf: Btf): Map<string, CoreRelocation[]> =>
  new Map([...tables].map(([section, records]) => [
    section, records.map(({ offset, words }) => ({ offset, type: words[0]!, access: btf.string(words[1]!), kind: words[2]! })),
  ]));

const damaged = ({ source }: Btf, what: string): OperationError =>
  new OperationError(`${source}: .BTF.ext is damaged: ${what}`, { code: 'SL2402', reason: 'usage' });
