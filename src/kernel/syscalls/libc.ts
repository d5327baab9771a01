/**
 * libc: the functions that are called, with their C prototypes.
 *
 * `errno` is read in the expression that follows each call: any allocation in between may run a garbage collection, whose
 * own system calls overwrite it.
 */

import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { SyscallError } from '../../lib/errors.ts';
import { loadKoffi, type Koffi } from './koffi.ts';

type Pointer = Buffer | bigint | null;

/** The functions in use, with numbers and Buffers as arguments; pointers come back as bigint. */
interface Libc {
  syscall(nr: number, a: number, b: Pointer, c: number): number | bigint;
  mmap(at: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(at: bigint, length: number): number;
  setns(fd: number, type: number): number;
  unshare(flags: number): number;
  flock(fd: number, operation: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  sendto(fd: number, data: Buffer, length: number, flags: number, address: Buffer, addressLength: number): number | bigint;
  recv(fd: number, data: Buffer, length: number, flags: number): number | bigint;
  perf_event_open(nr: number, attr: Buffer, pid: number, cpu: number, group: number, flags: number): number | bigint;
  fsopen(nr: number, type: string, flags: number): number | bigint;
  fsconfig(nr: number, fd: number, command: number, key: null, value: null, aux: number): number | bigint;
  fsmount(nr: number, fd: number, flags: number, attributes: number): number | bigint;
  recvfrom(fd: number, data: Buffer, length: number, flags: number, address: Buffer, addressLength: Buffer): number | bigint;
  connect(fd: number, address: Buffer, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  mount(source: string, target: string, type: string, flags: number, data: null): number;
  ioctl(fd: number, request: number, argument: Buffer): number;
}

/** A wrong prototype corrupts memory; each is exercised by test/kernel/syscalls.test.ts. */
const PROTOTYPES: Readonly<Record<keyof Libc, string>> = {
  syscall: 'long syscall(long, long, void *, unsigned long)',
  mmap: 'uintptr_t mmap(void *, size_t, int, int, int, long)',
  munmap: 'int munmap(uintptr_t, size_t)',
  setns: 'int setns(int, int)',
  unshare: 'int unshare(int)',
  flock: 'int flock(int, int)',
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, void *, int)',
  setsockopt: 'int setsockopt(int, int, int, void *, int)',
  sendto: 'long sendto(int, void *, size_t, int, void *, int)',
  recv: 'long recv(int, void *, size_t, int)',
  perf_event_open: 'long syscall(long, void *, int, int, int, unsigned long)',
  fsopen: 'long syscall(long, const char *, unsigned int)',
  fsconfig: 'long syscall(long, int, unsigned int, void *, void *, int)',
  fsmount: 'long syscall(long, int, unsigned int, unsigned int)',
  recvfrom: 'long recvfrom(int, void *, size_t, int, void *, void *)',
  connect: 'int connect(int, void *, int)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  mount: 'int mount(const char *, const char *, const char *, unsigned long, void *)',
  ioctl: 'int ioctl(int, unsigned long, void *)',
};

type Functions = {
  [K in keyof Libc]: ((...args: Parameters<Libc[K]>) => number | bigint) & {
    async(...args: [...Parameters<Libc[K]>, (error: unknown, result: number | bigint) => void]): void;
  };
};

let library: ReturnType<Koffi['load']> | undefined;
const functions: Partial<Functions> = {};

/** Calls a libc function that answers -1 on failure. @throws SyscallError naming `what`. */
export function call<K extends keyof Libc>(name: K, what: string, ...args: Parameters<Libc[K]>): number | bigint {
  const koffi = loadKoffi();
  const fn = lookUp(koffi, name);
  const result = fn(...args);
  const errno = koffi.errno();
  if (isFailure(result)) throw new SyscallError(what, errno, errnoName(errno));
  return result;
}

/**
 * The same in a thread of the library's pool, so that this one goes on meanwhile. The caller keeps Buffers untouched until it is
 * settled. @throws SyscallError like `call`, as a rejection.
 */
export function callAsync<K extends keyof Libc>(name: K, what: string, ...args: Parameters<Libc[K]>): Promise<number | bigint> {
  const koffi = loadKoffi();
  const fn = lookUp(koffi, name);
  return new Promise((resolve, reject) => {
    fn.async(...args, (_error, result) => {
      const errno = koffi.errno();
      if (isFailure(result)) reject(new SyscallError(what, errno, errnoName(errno)));
      else resolve(result);
    });
  });
}

function lookUp<K extends keyof Libc>(koffi: Koffi, name: K): Functions[K] {
  library ??= koffi.load('libc.so.6');
  const known: Functions[K] = functions[name] ?? (library.func(PROTOTYPES[name]) as Functions[K]);
  functions[name] = known;
  return known;
}

/** -1 as a number, or as the unsigned pointer that mmap answers. */
const isFailure = (result: number | bigint): boolean =>
  typeof result === 'bigint' ? BigInt.asIntN(64, result) === -1n : result < 0;

/** What Node has no name for (524, kernel-internal) or, of two names for one number, not the one that the kernel uses (95). */
const NAMES: Readonly<Record<number, string>> = { 95: 'EOPNOTSUPP', 524: 'ENOTSUPP' };

/** `EPERM` and so on. */
export function errnoName(errno: number): string {
  const name = NAMES[errno] ?? getSystemErrorName(-errno);
  // libuv does not know them all: ESTALE, ENOLINK and others are only among the constants.
  return name.startsWith('Unknown') ? (Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? name) : name;
}

/** Address of the first byte. The caller keeps the Buffer in a variable until the call that uses it has returned. */
export function address(buffer: Buffer): bigint {
  return buffer.length === 0 ? 0n : BigInt(loadKoffi().address(buffer) as bigint | number);
}

/** Memory at an address; valid until it is unmapped. */
export function viewMemory(at: bigint, length: number): ArrayBuffer {
  return loadKoffi().view(at, length);
}

/** Calls back whenever the descriptor can be read, on the event loop; keeps the process alive until closed. */
export function pollReadable(fd: number, ready: () => void): { close(): void } {
  return loadKoffi().node.poll(fd, { readable: true }, ready);
}
