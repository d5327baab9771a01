/**
 * libc through koffi: the only place that knows about foreign functions.
 *
 * `errno` is read in the expression that follows each call: any allocation in between may run a garbage collection, whose
 * own system calls overwrite it.
 */

import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { SyscallError } from '../../lib/errors.ts';

type Koffi = typeof import('koffi');
type Pointer = Buffer | bigint | null;

/** The functions in use, with numbers and Buffers as arguments; pointers come back as bigint. */
interface Libc {
  syscall(nr: number, a: number, b: Pointer, c: number): number | bigint;
  mmap(at: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(at: bigint, length: number): number;
  setns(fd: number, type: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  send(fd: number, data: Buffer, length: number, flags: number): number | bigint;
  sendto(fd: number, data: Buffer, length: number, flags: number, address: Buffer, addressLength: number): number | bigint;
  recv(fd: number, data: Buffer, length: number, flags: number): number | bigint;
  mount(source: string, target: string, type: string, flags: number, data: null): number;
}

const SIGNATURES: Readonly<Record<keyof Libc, string>> = {
  syscall: 'long syscall(long, long, void *, unsigned long)',
  mmap: 'uintptr_t mmap(void *, size_t, int, int, int, long)',
  munmap: 'int munmap(uintptr_t, size_t)',
  setns: 'int setns(int, int)',
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, void *, int)',
  setsockopt: 'int setsockopt(int, int, int, void *, int)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  send: 'long send(int, void *, size_t, int)',
  sendto: 'long sendto(int, void *, size_t, int, void *, int)',
  recv: 'long recv(int, void *, size_t, int)',
  mount: 'int mount(const char *, const char *, const char *, unsigned long, void *)',
};

const require = createRequire(import.meta.url);
let koffi: Koffi | undefined;
let library: ReturnType<Koffi['load']> | undefined;
const functions: Partial<Record<keyof Libc, (...args: never[]) => number | bigint>> = {};

function load(): Koffi {
  koffi ??= require('koffi') as Koffi;
  library ??= koffi.load('libc.so.6');
  return koffi;
}

/** Calls a libc function that answers -1 on failure. @throws SyscallError naming `what`. */
export function call<K extends keyof Libc>(name: K, what: string, ...args: Parameters<Libc[K]>): number | bigint {
  const ffi = load();
  const fn = (functions[name] ??= library!.func(SIGNATURES[name]) as never) as unknown as (...args: Parameters<Libc[K]>) => number | bigint;
  const result = fn(...args);
  const errno = ffi.errno();
  if (isFailure(result)) throw new SyscallError(what, errno, errnoName(errno));
  return result;
}

/** -1 as a number, or as the unsigned pointer that mmap answers. */
const isFailure = (result: number | bigint): boolean =>
  typeof result === 'bigint' ? BigInt.asIntN(64, result) === -1n : result < 0;

/** `EPERM` and so on; 524 is the kernel-internal ENOTSUPP, which libc has no name for. */
export const errnoName = (errno: number): string => (errno === 524 ? 'ENOTSUPP' : getSystemErrorName(-errno));

/** Address of the first byte. The caller keeps the Buffer in a variable until the call that uses it has returned. */
export function address(buffer: Buffer): bigint {
  return buffer.length === 0 ? 0n : BigInt(load().address(buffer) as bigint | number);
}

/** Memory at an address as a Buffer; valid until it is unmapped. */
export function viewMemory(at: bigint, length: number): Buffer {
  return Buffer.from(load().view(at, length));
}

/** Calls back whenever the descriptor can be read, on the event loop; keeps the process alive until closed. */
export function pollReadable(fd: number, ready: () => void): { close(): void } {
  return load().node.poll(fd, { readable: true }, ready);
}
