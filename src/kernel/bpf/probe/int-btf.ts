import { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';

/** Loads BTF with one type, number 1: a signed int of four bytes. The caller closes it. @kernel Documentation/bpf/btf.rst */
export function loadIntBtf(): Fd {
  const strings = Buffer.from('\0int\0');
  // The name's offset, KIND_INT in bits 24 to 28, the size; then BTF_INT_SIGNED in bits 24 to 27 and the number of bits.
  const types = words(1, 1 << 24, 4, (1 << 24) | 32);
  const header = Buffer.concat([Buffer.from('9feb0100', 'hex'), words(24, 0, types.length, types.length, strings.length)]);
  const blob = Buffer.concat([header, types, strings]);
  return new Fd(new Attr().pointer(0, blob).u32(16, blob.length).call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD probe'));
}

const words = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
