/** `.rodata`, `.data` and `.bss`: each becomes an array map with one value, which instructions address directly. */

import { STT_OBJECT, type ElfSymbol, type Section } from '../../elf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import type { MapSpec } from '../map.ts';
import type { ObjectFile } from './object-file.ts';

/** What a constant is set to: a number for one of 1, 2, 4 or 8 bytes, or all of its bytes. */
export type Constant = number | bigint | boolean | Buffer;

/** Far more than a program's variables take, and little enough to be set up in memory. */
const MAX_BYTES = 256 << 20;

export const isData = ({ name, executable }: Section): boolean => !executable && /^\.(rodata|data|bss)(\.|$)/.test(name);

/** Read-only data is frozen once it is set, so that the verifier can rely on it. */
export const isReadOnly = ({ name }: Section): boolean => /^\.rodata(\.|$)/.test(name);

/** The map that holds a section. @throws OperationError SL2401 for one that is too large. */
export function dataSpec(file: ObjectFile, section: Section): MapSpec {
  if (section.size > MAX_BYTES) throw file.refuse(`${section.name} takes ${section.size} bytes`);
  return {
    name: section.name, type: uapi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: section.size, maxEntries: 1,
    flags: isReadOnly(section) ? uapi.BPF_F_RDONLY_PROG : uapi.BPF_F_MMAPABLE,
  };
}

/** What a section holds at the start, with the constants that are in it. */
export function dataContent(file: ObjectFile, section: Section, constants: Readonly<Record<string, Constant>>): Buffer {
  const content = Buffer.alloc(section.size);
  section.data.copy(content);
  for (const [name, value] of Object.entries(constants)) {
    const symbol = findConstant(file, name);
    if (symbol.section === section.index) setConstant(file, content, symbol, value);
  }
  return content;
}

/** @throws OperationError SL2401 for a name that is no constant of the object. */
export function findConstant(file: ObjectFile, name: string): ElfSymbol {
  const found = file.elf.symbols.find((symbol) => symbol.name === name && symbol.type === STT_OBJECT && isReadOnly(file.section(symbol)));
  if (found === undefined) throw file.refuse(`no constant ${name}`);
  return found;
}

function setConstant(file: ObjectFile, content: Buffer, { name, value: at, size }: ElfSymbol, value: Constant): void {
  const bytes = Buffer.isBuffer(value) ? value : integerBytes(value, size);
  if (bytes === undefined || bytes.length !== size || at + size > content.length)
    throw file.refuse(`constant ${name} of ${size} bytes cannot be set to ${Buffer.isBuffer(value) ? `${value.length} bytes` : value}`);
  bytes.copy(content, at);
}

/** Little endian; undefined where the value does not fit. */
function integerBytes(value: number | bigint | boolean, size: number): Buffer | undefined {
  const number = BigInt(value);
  const bits = size * 8;
  if (![1, 2, 4, 8].includes(size) || (BigInt.asUintN(bits, number) !== number && BigInt.asIntN(bits, number) !== number)) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, number));
  return bytes.subarray(0, size);
}
