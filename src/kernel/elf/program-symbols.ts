import { OperationError } from '../../lib/errors.ts';

const MAGIC = 0x464c457f;
const CLASS64 = 2;
const LITTLE = 1;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const PT_LOAD = 1;
const SYMBOL_BYTES = 24;

/**
 * Where a function of a program or library begins, as an offset in its file: what a uprobe is given. Undefined when it has no
 * such symbol.
 *
 * @param bytes the whole 64-bit little-endian file
 * @throws OperationError SL2401 when it is no such file, or damaged.
 * @man elf(5)
 */
export function findSymbolOffset(bytes: Buffer, source: string, symbol: string): bigint | undefined {
  try {
    if (bytes.readUInt32LE(0) !== MAGIC || bytes[4] !== CLASS64 || bytes[5] !== LITTLE) throw new RangeError('not a 64-bit little-endian ELF file');
    const address = findAddress(bytes, symbol);
    return address === undefined ? undefined : toOffset(bytes, address);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OperationError(`${source} has no symbols that can be read`, { code: 'SL2401', reason: 'usage', causes: [error.message], cause: error });
  }
}

function findAddress(bytes: Buffer, symbol: string): bigint | undefined {
  const wanted = Buffer.from(`${symbol}\0`);
  const sections = table(bytes, { at: 40, size: 58, count: 60 });
  for (const { type, link, offset, size } of sections.map((at) => sectionAt(bytes, at))) {
    if (type !== SHT_SYMTAB && type !== SHT_DYNSYM) continue;
    const strings = sectionAt(bytes, sections[link]!);
    for (let at = offset; at + SYMBOL_BYTES <= offset + size; at += SYMBOL_BYTES) {
      const name = strings.offset + bytes.readUInt32LE(at);
      // An undefined symbol has no address: it belongs to another library.
      if (bytes.readUInt16LE(at + 6) !== 0 && bytes.subarray(name, name + wanted.length).equals(wanted)) return bytes.readBigUInt64LE(at + 8);
    }
  }
  return undefined;
}

function sectionAt(bytes: Buffer, at: number): { type: number; link: number; offset: number; size: number } {
  return {
    type: bytes.readUInt32LE(at + 4), offset: Number(bytes.readBigUInt64LE(at + 24)), size: Number(bytes.readBigUInt64LE(at + 32)), link: bytes.readUInt32LE(at + 40),
  };
}

/** From where it is in memory to where it is in the file. */
function toOffset(bytes: Buffer, address: bigint): bigint | undefined {
  for (const at of table(bytes, { at: 32, size: 54, count: 56 })) {
    const [offset, start, length] = [bytes.readBigUInt64LE(at + 8), bytes.readBigUInt64LE(at + 16), bytes.readBigUInt64LE(at + 32)];
    if (bytes.readUInt32LE(at) === PT_LOAD && address >= start && address < start + length) return address - start + offset;
  }
  return undefined;
}

/** Positions of the entries of a table, whose place, entry size and length stand in the file's header. */
function table(bytes: Buffer, fields: { at: number; size: number; count: number }): number[] {
  const start = Number(bytes.readBigUInt64LE(fields.at));
  const size = bytes.readUInt16LE(fields.size);
  return Array.from({ length: bytes.readUInt16LE(fields.count) }, (_, i) => start + i * size);
}
