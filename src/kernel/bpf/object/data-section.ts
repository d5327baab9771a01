/** `.rodata`, `.data` and `.bss`: each becomes an array map with one value, which instructions address directly. */

import { STT_OBJECT, type ElfSymbol, type Section } from '../../elf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import type { MapSpec } from '../map.ts';
import type { ObjectFile } from './object-file.ts';
import { parseValue } from './parse-value.ts';

/** What a constant is set to: a number for one of 1, 2, 4 or 8 bytes, all of its bytes, or text that its type gives a meaning. */
export type Constant = number | bigint | boolean | Buffer | string;

/** Far more than a program's variables take, and little enough to be set up in memory. */
const MAX_BYTES = 256 << 20;

/** Whether a section holds variables. */
export const isData = ({ name, executable }: Section): boolean => !executable && /^\.(rodata|data|bss)(\.|$)/.test(name);

/** Read-only data is frozen once it is set, so that the verifier can rely on it. */
export const isReadOnly = ({ name }: Section): boolean => /^\.rodata(\.|$)/.test(name);

/** The map that holds a section. @throws OperationError SL2401 for one that is too large. */
export function dataSpec(file: ObjectFile, section: Section): MapSpec {
  if (section.size > MAX_BYTES) throw file.refuse(`${section.name} takes ${section.size} bytes`);
  return {
    name: dataMapName(file, section.name), type: uapi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: section.size, maxEntries: 1,
    flags: uapi.BPF_F_MMAPABLE | (isReadOnly(section) ? uapi.BPF_F_RDONLY_PROG : 0),
  };
}

/** `xdp_drop.rodata`, so that those of several objects can be told apart; a section with a name of its own keeps it. */
export function dataMapName(file: ObjectFile, section: string): string {
  const room = Math.max(0, uapi.BPF_OBJ_NAME_LEN - 1 - Math.max(7, section.length));
  return section.includes('.', 1) ? section : file.name.slice(0, room) + section;
}

/** What a section holds at the start, with the constants that are in it. */
export function dataContent(file: ObjectFile, section: Section, constants: Readonly<Record<string, Constant>>): Buffer {
  const content = Buffer.alloc(section.size);
  section.data.copy(content);
  for (const { symbol, bytes } of setConstants(file, constants)) if (symbol.section === section.index) bytes.copy(content, symbol.value);
  return content;
}

/** The bytes of constants. @throws OperationError SL2401 for a name that is no constant, or a value that does not fit. */
export function setConstants(file: ObjectFile, constants: Readonly<Record<string, Constant>>): { symbol: ElfSymbol; bytes: Buffer }[] {
  return Object.entries(constants).map(([name, value]) => {
    const symbol = findConstant(file, name);
    return { symbol, bytes: constantBytes(file, symbol, value) };
  });
}

function findConstant(file: ObjectFile, name: string): ElfSymbol {
  const isConstant = (symbol: ElfSymbol): boolean => symbol.type === STT_OBJECT && symbol.section !== 0 && isReadOnly(file.section(symbol));
  const found = file.elf.symbols.find((symbol) => symbol.name === name && isConstant(symbol));
  if (found !== undefined) return found;
  const have = file.elf.symbols.filter((symbol) => isConstant(symbol) && symbol.name !== '').map((symbol) => symbol.name);
  throw file.refuse(`no constant ${name}`, { hints: have.length === 0 ? ['constants are declared: const volatile int NAME'] : [`it has: ${have.join(', ')}`] });
}

function constantBytes(file: ObjectFile, symbol: ElfSymbol, value: Constant): Buffer {
  const { name, value: at, size, section } = symbol;
  const bytes = toBytes(file, symbol, value);
  if (bytes === undefined || bytes.length !== size || at + size > file.elf.sections[section]!.size)
    throw file.refuse(`constant ${name} of ${size} bytes cannot be set to ${Buffer.isBuffer(value) ? `${value.length} bytes` : value}`);
  return bytes;
}

function toBytes(file: ObjectFile, { name, size, section }: ElfSymbol, value: Constant): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value !== 'string') return integerBytes(value, size);
  const type = file.variableTypes(file.elf.sections[section]!.name).get(name);
  if (type === undefined) throw file.refuse(`constant ${name} has no type information`);
  return parseValue(file.btf, type, value);
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
