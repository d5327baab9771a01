import { Kind } from '../btf/index.ts';
import { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const INT_SIZES: readonly number[] = [1, 2, 4, 8, 16];

/** A type by its size in bytes, and the name that it goes by where that says more. */
export interface SizedType {
  bytes: number;
  name?: string | undefined;
}

/**
 * Loads BTF with types of these sizes: unsigned integers, or arrays of bytes where there is none so long, behind a typedef where they
 * have a name. `ids` stand in the same order; the caller closes the descriptor. For maps that have no types of their own.
 *
 * @throws SyscallError EPERM without CAP_BPF. @kernel BTF_KIND_INT, BTF_KIND_ARRAY, BTF_KIND_TYPEDEF
 */
export function loadSizedTypes(types: readonly SizedType[]): { fd: Fd; ids: number[] } {
  let names = '\0u8\0';
  // The element of arrays comes first, with id 1.
  const words = int(1, 1);
  let last = 1;
  const ids = types.map(({ bytes, name }) => {
    if (INT_SIZES.includes(bytes)) words.push(...int(1, bytes));
    else words.push(0, Kind.ARRAY << 24, 0, 1, 1, bytes);
    last++;
    if (name === undefined) return last;
    words.push(names.length, Kind.TYPEDEF << 24, last);
    names += `${name}\0`;
    return ++last;
  });
  const blob = encode(Buffer.from(Uint32Array.from(words).buffer), Buffer.from(names));
  return { fd: new Fd(new Attr().pointer(0, blob).u32(16, blob.length).call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD')), ids };
}

function encode(types: Buffer, names: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16LE(MAGIC, 0);
  header[2] = 1;
  [HEADER_BYTES, 0, types.length, types.length, names.length].forEach((value, i) => header.writeUInt32LE(value, 4 + i * 4));
  return Buffer.concat([header, types, names]);
}

/** Words of an unsigned integer whose name stands at `name`. */
const int = (name: number, size: number): number[] => [name, Kind.INT << 24, size, size * 8];
