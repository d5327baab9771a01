import { call, viewMemory } from './libc.ts';
import type { Fd } from './fd.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/** A shared mapping, unmapped once: with `using`, or by `unmap()`. `bytes` is empty from then on. */
export interface Mapping {
  readonly bytes: Buffer;
  unmap(): void;
  [Symbol.dispose](): void;
}

/**
 * Maps `length` bytes of a descriptor from `offset`, shared with whoever else maps it.
 *
 * A write through a mapping that is not `writable` ends the process with SIGSEGV.
 *
 * @throws SyscallError EPERM where the kernel forbids writing; EINVAL for an offset inside a page. @man mmap(2)
 */
export function mapShared(fd: Fd, length: number, { writable, offset = 0 }: { writable: boolean; offset?: number }): Mapping {
  const at = BigInt(call('mmap', 'mmap', null, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd.number, offset));
  const memory = viewMemory(at, length);
  const unmap = (): void => {
    if (memory.detached) return;
    // Detaching empties every view of it: an access after this reads nothing, where it would crash.
    memory.transfer();
    call('munmap', 'munmap', at, length);
  };
  return { bytes: Buffer.from(memory), unmap, [Symbol.dispose]: unmap };
}
