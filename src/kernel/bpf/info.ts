import { readFileSync } from 'node:fs';
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

/** A number that only fdinfo tells of an object; 0 where it does not. @kernel bpf_map_show_fdinfo, bpf_prog_show_fdinfo */
export function fdinfoNumber(fd: Fd, key: string): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd.number}`, 'latin1');
  return Number(new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Bytes of kernel memory that an object is charged for. */
export const memoryBytes = (fd: Fd): number => fdinfoNumber(fd, 'memlock');

/** Text up to its NUL. */
export const cString = (bytes: Buffer): string => bytes.toString('latin1').replace(/\0.*$/s, '');
