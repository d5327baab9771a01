import { Kind } from '../btf/index.ts';
import { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const INT_SIZES: readonly number[] = [1, 2, 4, 8, 16];

/**
 * Loads BTF with one type for each size in bytes: an unsigned integer, or an array of bytes where there is none so long. Ids stand in
 * the order of the sizes; the caller closes the descriptor. For maps that have no types of their own but may not be without.
 *
 * @throws SyscallError EPERM without CAP_BPF. @kernel BTF_KIND_INT, BTF_KIND_ARRAY
 */
export function loadSizedTypes(sizes: readonly number[]): { fd: Fd; ids: number[] } {
  const names = Buffer.from('\0u8\0');
  // The element of arrays comes first, with id 1.
  const words = int(1, 1);
  const ids = sizes.map((size, i) => {
    if (INT_SIZES.includes(size)) words.push(...int(1, size));
    else words.push(0, Kind.ARRAY << 24, 0, 1, 1, size);
    return i + 2;
  });
  const types = Buffer.from(Uint32Array.from(words).buffer);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16LE(MAGIC, 0);
  header[2] = 1;
  [HEADER_BYTES, 0, types.length, types.length, names.length].forEach((value, i) => header.writeUInt32LE(value, 4 + i * 4));
  const blob = Buffer.concat([header, types, names]);
  return { fd: new Fd(new Attr().pointer(0, blob).u32(16, blob.length).call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD')), ids };
}

/** Words of an unsigned integer whose name stands at `name`. */
const int = (name: number, size: number): number[] => [name, Kind.INT << 24, size, size * 8];
