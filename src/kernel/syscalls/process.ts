import { Fd } from './fd.ts';
import { call } from './libc.ts';

/* Same numbers on all architectures. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;

/** A descriptor that stands for a process; close-on-exec. @throws SyscallError ESRCH when there is none. @man pidfd_open(2) */
export const openProcess = (pid: number): Fd => new Fd(Number(call('syscall', `pidfd_open ${pid}`, SYS_PIDFD_OPEN, pid, null, 0)));

/** A copy of another process's descriptor. @throws SyscallError ESRCH, EBADF for what does not exist; EPERM without the right to trace it. @man pidfd_getfd(2) */
export function copyDescriptor(pid: number, number: number): Fd {
  using process = openProcess(pid);
  return new Fd(Number(call('syscall', `pidfd_getfd ${pid} ${number}`, SYS_PIDFD_GETFD, process.number, BigInt(number), 0)));
}
