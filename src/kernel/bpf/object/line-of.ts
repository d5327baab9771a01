import { basename } from 'node:path';
import type { Btf } from '../../btf/index.ts';

/** struct bpf_line_info: instruction, file, text of the line, line and column in one word. */
const RECORD_BYTES = 16;

/** The line of C that an instruction is made of, from a program's line information; undefined where there is none. */
export function lineOf(btf: Btf, lineInfo: Buffer, instruction: number): { text: string; place: string } | undefined {
  let found: number | undefined;
  for (let at = 0; at + RECORD_BYTES <= lineInfo.length && lineInfo.readUInt32LE(at) <= instruction; at += RECORD_BYTES) found = at;
  if (found === undefined) return undefined;
  const text = btf.string(lineInfo.readUInt32LE(found + 8)).trim();
  // The column is in the lower 10 bits.
  return text === '' ? undefined : { text, place: `${basename(btf.string(lineInfo.readUInt32LE(found + 4)))}:${lineInfo.readUInt32LE(found + 12) >>> 10}` };
}
