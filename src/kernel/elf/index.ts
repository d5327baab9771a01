/** 64-bit little-endian ELF objects for BPF: sections, symbols, relocations. @man elf(5) */

import { OperationError } from '../../lib/errors.ts';

export interface Section {
  name: string;
  type: number;
  flags: bigint;
  size: number;
  /** Empty for sections without content (`.bss`). */
  data: Buffer;
  /** For relocations: the section they apply to. */
  info: number;
}

export interface ElfSymbol {
  name: string;
  /** STT_FUNC 2, STT_OBJECT 1, STT_SECTION 3, STT_NOTYPE 0 */
  type: number;
  /** STB_LOCAL 0, STB_GLOBAL 1, STB_WEAK 2 */
  binding: number;
  /** Section index; 0 for undefined. */
  section: number;
  value: number;
  size: number;
}

export interface Relocation {
  /** Byte offset in the section it applies to. */
  offset: number;
  type: number;
  symbol: ElfSymbol;
}

export interface Elf {
  sections: Section[];
  symbols: ElfSymbol[];
  /** Relocations of each section by its index. */
  relocations: Map<number, Relocation[]>;
}

const EM_BPF = 247;
const ET_REL = 1;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_REL = 9;

/**
 * Reads an object file. Every offset is checked against the file: a hostile one gives an error, not a wild read.
 *
 * @throws OperationError SL2401 when it is no BPF object.
 */
export function readElf(bytes: Buffer, source: string): Elf {
  checkHeader(bytes, source);
  const sections = readSections(bytes, source);
  const symbols = readSymbols(sections, source);
  const relocations = new Map<number, Relocation[]>();
  for (const section of sections)
    if (section.type === SHT_REL) relocations.set(section.info, readRelocations(section.data, symbols, source));
  return { sections, symbols, relocations };
}

function checkHeader(bytes: Buffer, source: string): void {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) throw refuse(source, 'not an ELF file');
  if (bytes[4] !== 2) throw refuse(source, 'not a 64-bit object');
  if (bytes[5] !== 1) throw refuse(source, 'a big-endian object; compile with -target bpfel');
  if (bytes.readUInt16LE(18) !== EM_BPF) throw refuse(source, `made for machine ${bytes.readUInt16LE(18)}, not for BPF (${EM_BPF})`);
  if (bytes.readUInt16LE(16) !== ET_REL) throw refuse(source, 'not a relocatable object');
}

function readSections(bytes: Buffer, source: string): Section[] {
  const start = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  const headers = Array.from({ length: count }, (_, i) => slice(bytes, start + i * 64, 64, source));
  const raw = headers.map((header) => readSection(bytes, header, source));
  const names = raw[bytes.readUInt16LE(62)]?.data ?? Buffer.alloc(0);
  return raw.map((section, i) => ({ ...section, name: stringAt(names, headers[i]!.readUInt32LE(0)) }));
}

function readSection(bytes: Buffer, header: Buffer, source: string): Omit<Section, 'name'> {
  const type = header.readUInt32LE(4);
  const size = Number(header.readBigUInt64LE(32));
  const data = type === SHT_NOBITS ? Buffer.alloc(0) : slice(bytes, Number(header.readBigUInt64LE(24)), size, source);
  return { type, flags: header.readBigUInt64LE(8), size, data, info: header.readUInt32LE(44) };
}

function readSymbols(sections: readonly Section[], source: string): ElfSymbol[] {
  const table = sections.find((section) => section.type === SHT_SYMTAB);
  const names = sections.find((section) => section.name === '.strtab')?.data ?? Buffer.alloc(0);
  if (table === undefined) throw refuse(source, 'no symbol table');
  return Array.from({ length: Math.floor(table.data.length / 24) }, (_, i) => {
    const entry = table.data.subarray(i * 24, i * 24 + 24);
    return {
      name: stringAt(names, entry.readUInt32LE(0)),
      type: entry[4]! & 15,
      binding: entry[4]! >> 4,
      section: entry.readUInt16LE(6),
      value: Number(entry.readBigUInt64LE(8)),
      size: Number(entry.readBigUInt64LE(16)),
    };
  });
}

function readRelocations(data: Buffer, symbols: readonly ElfSymbol[], source: string): Relocation[] {
  return Array.from({ length: Math.floor(data.length / 16) }, (_, i) => {
    const symbol = symbols[data.readUInt32LE(i * 16 + 12)];
    if (symbol === undefined) throw refuse(source, 'a relocation to a missing symbol');
    return { offset: Number(data.readBigUInt64LE(i * 16)), type: data.readUInt32LE(i * 16 + 8), symbol };
  });
}

function slice(bytes: Buffer, from: number, length: number, source: string): Buffer {
  if (from + length > bytes.length) throw refuse(source, 'truncated');
  return bytes.subarray(from, from + length);
}

function stringAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return at < bytes.length ? bytes.toString('utf8', at, end < 0 ? bytes.length : end) : '';
}

const refuse = (source: string, what: string): OperationError =>
  new OperationError(`${source}: not a usable BPF object: ${what}`, { code: 'SL2401', reason: 'usage' });
