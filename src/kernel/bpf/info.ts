import type { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

/** `BPF_OBJ_GET_INFO_BY_FD`: the first `length` bytes of the object's info structure. */
export function objectInfo(fd: Fd, length: number): Buffer {
  const info = Buffer.alloc(length);
  new Attr().u32(0, fd.number).u32(4, length).pointer(8, info).call(uapi.BPF_OBJ_GET_INFO_BY_FD, 'BPF_OBJ_GET_INFO_BY_FD');
  return info;
}
