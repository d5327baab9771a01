/** 64-bit little-endian ELF objects for BPF: sections, symbols, relocations. @man elf(5) */

import { OperationError } from '../../lib/errors.ts';

export interface Section {
  /** Position in the section table, which symbols and relocations refer to. */
  index: number;
  name: string;
  /** SHT_* */
  type: number;
  /** Whether it holds code (SHF_EXECINSTR). */
  executable: boolean;
  /** Bytes it takes in memory. */
  size: number;
  /** Empty for sections without content (`.bss`). */
  data: Buffer;
}

export interface ElfSymbol {
  name: string;
  /** STT_* */
  type: number;
  /** STB_* */
  binding: number;
  /** Whether it is not for others to see (STV_HIDDEN, STV_INTERNAL). */
  hidden: boolean;
  /** Section index; 0 for undefined. */
  section: number;
  /** Byte offset in its section. */
  value: number;
  size: number;
}

export interface Relocation {
  /** Byte offset in the section it applies to. */
  offset: number;
  /** R_BPF_* */
  type: number;
  symbol: ElfSymbol;
}

export interface Elf {
  sections: Section[];
  symbols: ElfSymbol[];
  /** Relocations of each section by its index. */
  relocations: Map<number, Relocation[]>;
}

export { findSymbolOffset } from './program-symbols.ts';

export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STB_LOCAL = 0;
export const STB_WEAK = 2;
export const R_BPF_64_64 = 1;
export const R_BPF_64_32 = 10;

/** STV_INTERNAL, STV_HIDDEN */
const HIDDEN = new Set([1, 2]);
const EM_BPF = 247;
const ET_REL = 1;
const SHT_SYMTAB = 2;
const SHT_RELA = 4;
const SHT_NOBITS = 8;
const SHT_REL = 9;
const SHF_EXECINSTR = 4;
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 16;
/** Far longer than any name in C that the kernel takes. */
const MAX_NAME = 4096;

/**
 * Reads an object file. Every offset is checked against the file: a hostile one gives an error, not a wild read.
 *
 * @param source names the file in errors
 * @throws OperationError SL2401 when it is no BPF object, or damaged.
 */
export function readElf(bytes: Buffer, source: string): Elf {
  checkHeader(bytes, source);
  const headers = sectionHeaders(bytes, source);
  const sections = nameSections(bytes, headers, source);
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  if (table === undefined) throw refuse(source, 'no symbol table');
  const symbols = readSymbols(table.data, sections[link(headers[table.index]!)]?.data ?? Buffer.alloc(0), source);
  return { sections, symbols, relocations: readRelocations(sections, headers, symbols, source) };
}

function checkHeader(bytes: Buffer, source: string): void {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== 0x7f454c46) throw refuse(source, 'not an ELF file');
  if (bytes[4] !== 2) throw refuse(source, 'not a 64-bit object');
  if (bytes[5] !== 1) throw refuse(source, 'a big-endian object; compile with -target bpfel');
  if (bytes.readUInt16LE(18) !== EM_BPF) throw refuse(source, `made for machine ${bytes.readUInt16LE(18)}, not for BPF (${EM_BPF})`);
  if (bytes.readUInt16LE(16) !== ET_REL) throw refuse(source, 'not a relocatable object');
  if (bytes.readUInt16LE(58) !== SECTION_BYTES) throw refuse(source, 'section headers of an unknown size');
}

function sectionHeaders(bytes: Buffer, source: string): Buffer[] {
  const start = Number(bytes.readBigUInt64LE(40));
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => slice(bytes, start + i * SECTION_BYTES, SECTION_BYTES, source));
}

const link = (header: Buffer): number => header.readUInt32LE(40);

function nameSections(bytes: Buffer, headers: readonly Buffer[], source: string): Section[] {
  const sections = headers.map((header, index) => readSection(bytes, header, index, source));
  // Otherwise a small file could say the same thousands of times.
  if (sections.reduce((sum, { data }) => sum + data.length, 0) > bytes.length) throw refuse(source, 'its sections lie on top of each other');
  const names = sections[bytes.readUInt16LE(62)]?.data ?? Buffer.alloc(0);
  return sections.map((section, i) => ({ ...section, name: stringAt(names, headers[i]!.readUInt32LE(0), source) }));
}

function readSection(bytes: Buffer, header: Buffer, index: number, source: string): Section {
  const type = header.readUInt32LE(4);
  const size = Number(header.readBigUInt64LE(32));
  const data = type === SHT_NOBITS ? Buffer.alloc(0) : slice(bytes, Number(header.readBigUInt64LE(24)), size, source);
  return { index, name: '', type, executable: (header.readUInt32LE(8) & SHF_EXECINSTR) !== 0, size, data };
}

const readSymbols = (table: Buffer, names: Buffer, source: string): ElfSymbol[] =>
  entries(table, SYMBOL_BYTES).map((entry) => ({
    name: stringAt(names, entry.readUInt32LE(0), source),
    type: entry[4]! & 15,
    binding: entry[4]! >> 4,
    hidden: HIDDEN.has(entry[5]! & 3),
    section: entry.readUInt16LE(6),
    value: Number(entry.readBigUInt64LE(8)),
    size: Number(entry.readBigUInt64LE(16)),
  }));

function readRelocations(sections: readonly Section[], headers: readonly Buffer[], symbols: readonly ElfSymbol[], source: string): Map<number, Relocation[]> {
  const relocations = new Map<number, Relocation[]>();
  for (const { index, type, name, data } of sections) {
    // Their addends are apart from the code; no compiler makes them for BPF.
    if (type === SHT_RELA) throw refuse(source, `${name} has relocations with addends`);
    if (type !== SHT_REL) continue;
    const target = headers[index]!.readUInt32LE(44);
    relocations.set(target, (relocations.get(target) ?? []).concat(readTable(data, symbols, source)));
  }
  return relocations;
}

const readTable = (data: Buffer, symbols: readonly ElfSymbol[], source: string): Relocation[] =>
  entries(data, RELOCATION_BYTES).map((entry) => {
    const symbol = symbols[entry.readUInt32LE(12)];
    if (symbol === undefined) throw refuse(source, 'a relocation to a missing symbol');
    return { offset: Number(entry.readBigUInt64LE(0)), type: entry.readUInt32LE(8), symbol };
  });

const entries = (table: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.floor(table.length / size) }, (_, i) => table.subarray(i * size, (i + 1) * size));

function slice(bytes: Buffer, from: number, length: number, source: string): Buffer {
  if (from + length > bytes.length) throw refuse(source, 'truncated');
  return bytes.subarray(from, from + length);
}

function stringAt(bytes: Buffer, at: number, source: string): string {
  const name = bytes.subarray(at, at + MAX_NAME);
  const end = name.indexOf(0);
  if (end < 0 && name.length === MAX_NAME) throw refuse(source, 'a name without an end');
  return name.toString('utf8', 0, end < 0 ? name.length : end);
}

const refuse = (source: string, what: string): OperationError =>
  new OperationError(`${source}: not a usable BPF object: ${what}`, { code: 'SL2401', reason: 'usage' });
