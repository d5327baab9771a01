import { SyscallError } from '../../lib/errors.ts';
import { Fd } from './fd.ts';
import { call, callAsync } from './libc.ts';

const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
/** Room for every `struct sockaddr`: sockaddr_storage. */
const SOCKADDR_BYTES = 128;

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

/** Fixes the peer by a raw `struct sockaddr`; a datagram socket gets its route by this. @man connect(2) */
export function connectSocket(fd: Fd, socketAddress: Buffer): void {
  call('connect', 'connect', fd.number, socketAddress, socketAddress.length);
}

/** An option that is a 32-bit integer. @man getsockopt(2) */
export function getSocketOption(fd: Fd, level: number, name: number): number {
  const value = Buffer.alloc(4);
  call('getsockopt', 'getsockopt', fd.number, level, name, value, Buffer.from(Int32Array.of(value.length).buffer));
  return value.readInt32LE(0);
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

/** Like `receiveInto`, waiting in another thread while this one goes on. The caller keeps `data` until it is settled. */
export const receiveAhead = async (fd: Fd, data: Buffer): Promise<number> => Number(await callAsync('recv', 'recv', fd.number, data, data.length, MSG_TRUNC));

/** As `receive`, with the raw `struct sockaddr` of the sender. @man recvfrom(2) */
export function receiveFrom(fd: Fd, length: number): { data: Buffer; from: Buffer } | undefined {
  const [data, from, fromLength] = [Buffer.alloc(length), Buffer.alloc(SOCKADDR_BYTES), Buffer.from(Int32Array.of(SOCKADDR_BYTES).buffer)];
  try {
    const bytes = Number(call('recvfrom', 'recvfrom', fd.number, data, length, MSG_DONTWAIT, from, fromLength));
    return { data: data.subarray(0, bytes), from: from.subarray(0, fromLength.readInt32LE(0)) };
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'EAGAIN') return undefined;
    throw error;
  }
}
