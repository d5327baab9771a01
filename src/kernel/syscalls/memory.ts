import { call, viewMemory } from './libc.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/** A shared mapping of a descriptor; `bytes` must not be touched after `unmap`. */
export interface Mapping {
  bytes: Buffer;
  unmap(): void;
}

/** Maps `length` bytes of a descriptor from `offset`, shared with whoever else maps it. @man mmap(2) */
export function mapShared(fd: number, length: number, { writable, offset = 0 }: { writable: boolean; offset?: number }): Mapping {
  const at = BigInt(call('mmap', 'mmap', null, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, offset));
  return { bytes: viewMemory(at, length), unmap: () => void call('munmap', 'munmap', at, length) };
}
