import { SyscallError } from '../../lib/errors.ts';
import { Fd } from './fd.ts';
import { call } from './libc.ts';

const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/**
 * Opens a socket in the calling thread's network namespace, where it stays; close-on-exec.
 *
 * @param protocol as the family wants it: AF_PACKET takes an EtherType in network byte order.
 * @throws SyscallError EPERM for a raw one without CAP_NET_RAW. @man socket(2)
 */
export function openSocket(domain: number, type: number, protocol: number): Fd {
  return new Fd(Number(call('socket', 'socket', domain, type | SOCK_CLOEXEC, protocol)));
}

/** Binds to a raw `struct sockaddr`. @man bind(2) */
export function bindSocket(fd: Fd, socketAddress: Buffer): void {
  call('bind', 'bind', fd.number, socketAddress, socketAddress.length);
}

/** Sets an option to a 32-bit integer or to raw bytes. @man setsockopt(2) */
export function setSocketOption(fd: Fd, level: number, name: number, value: number | Buffer): void {
  const bytes = typeof value === 'number' ? Buffer.from(Int32Array.of(value).buffer) : value;
  call('setsockopt', 'setsockopt', fd.number, level, name, bytes, bytes.length);
}

/** Sends one datagram to a raw `struct sockaddr`; returns the bytes that the kernel took. @man sendto(2) */
export function sendTo(fd: Fd, data: Buffer, socketAddress: Buffer): number {
  return Number(call('sendto', 'sendto', fd.number, data, data.length, 0, socketAddress, socketAddress.length));
}

/** Takes one datagram that has arrived, cut to `length` bytes; undefined when there is none. @man recv(2) */
export function receive(fd: Fd, length: number): Buffer | undefined {
  const data = Buffer.alloc(length);
  try {
    return data.subarray(0, Number(call('recv', 'recv', fd.number, data, length, MSG_DONTWAIT)));
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'EAGAIN') return undefined;
    throw error;
  }
}

/**
 * Receives one datagram into `data` and returns how long it is: more than `data` holds when it was cut.
 *
 * @param wait blocks until one arrives; without it undefined says that there is none. @man recv(2)
 * @throws SyscallError ENOBUFS on a netlink socket that lost messages.
 */
export function receiveInto(fd: Fd, data: Buffer, wait: boolean): number | undefined {
  try {
    return Number(call('recv', 'recv', fd.number, data, data.length, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT)));
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'EAGAIN') return undefined;
    throw error;
  }
}
