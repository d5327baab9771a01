import { call } from './libc.ts';
import { Fd } from './fd.ts';

/** Opens a socket in the calling thread's network namespace, close-on-exec. @man socket(2) */
export function openSocket(domain: number, type: number, protocol: number): Fd {
  const SOCK_CLOEXEC = 0o2000000;
  return new Fd(Number(call('socket', 'socket', domain, type | SOCK_CLOEXEC, protocol)));
}

/** Binds to a raw `struct sockaddr`. */
export function bindSocket(fd: Fd, socketAddress: Buffer): void {
  call('bind', 'bind', fd.number, socketAddress, socketAddress.length);
}

/** Sets an option to a 32-bit integer or to raw bytes. */
export function setSocketOption(fd: Fd, level: number, name: number, value: number | Buffer): void {
  const bytes = typeof value === 'number' ? Buffer.alloc(4) : value;
  if (typeof value === 'number') bytes.writeInt32LE(value);
  call('setsockopt', 'setsockopt', fd.number, level, name, bytes, bytes.length);
}

/** Sends one datagram to a raw `struct sockaddr`; returns the bytes that the kernel took. */
export function sendTo(fd: Fd, data: Buffer, socketAddress: Buffer): number {
  return Number(call('sendto', 'sendto', fd.number, data, data.length, 0, socketAddress, socketAddress.length));
}
