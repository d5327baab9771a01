import { closeSync, openSync, readSync } from 'node:fs';
import type { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

/**
 * `BPF_OBJ_GET_INFO_BY_FD`: the first `length` bytes of the object's info structure, zero where this kernel has fewer.
 *
 * `request` writes what the kernel is to fill in: addresses and sizes of arrays.
 */
export function objectInfo(fd: Fd, length: number, request: (info: Buffer) => void = () => undefined): Buffer {
  const info = Buffer.alloc(length);
  request(info);
  new Attr().u32(0, fd.number).u32(4, length).pointer(8, info).call(uapi.BPF_OBJ_GET_INFO_BY_FD, 'BPF_OBJ_GET_INFO_BY_FD');
  return info;
}

/** More than the kernel writes on any BPF object. */
const fdinfo = Buffer.alloc(4096);

/**
 * A number that the kernel writes on a descriptor in `/proc/PID/fdinfo/N`; 0 where it does not. Read in one go: lists ask for
 * thousands. @throws Error when the descriptor is gone. @kernel bpf_map_show_fdinfo, bpf_prog_show_fdinfo
 */
export function fdinfoNumber(path: string, key: string): number {
  const file = openSync(path, 'r');
  try {
    const text = fdinfo.toString('latin1', 0, readSync(file, fdinfo, 0, fdinfo.length, 0));
    const at = text.indexOf(`\n${key}:`);
    return at < 0 ? 0 : Number.parseInt(text.slice(at + key.length + 2), 10);
  } finally {
    closeSync(file);
  }
}

/** Bytes of kernel memory that an object is charged for. */
export const memoryBytes = (fd: Fd): number => fdinfoNumber(`/proc/self/fdinfo/${fd.number}`, 'memlock');

/** Text up to its NUL. */
export const cString = (bytes: Buffer): string => bytes.toString('latin1').replace(/\0.*$/s, '');
