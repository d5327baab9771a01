import { Fd } from './fd.ts';
import { call } from './libc.ts';

/** The same numbers on every architecture. */
const SYS_FSOPEN = 430;
const SYS_FSCONFIG = 431;
const SYS_FSMOUNT = 432;
const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/**
 * A file system of the kernel, such as `tracefs`, that is mounted nowhere: its files are below `/proc/self/fd/NUMBER` while the
 * descriptor is open.
 *
 * @throws SyscallError ENODEV when the kernel has no such file system; EPERM without CAP_SYS_ADMIN. @man fsmount(2), since Linux 5.2
 */
export function openFileSystem(type: string): Fd {
  using context = new Fd(Number(call('fsopen', `fsopen ${type}`, SYS_FSOPEN, type, CLOEXEC)));
  call('fsconfig', `fsconfig ${type}`, SYS_FSCONFIG, context.number, FSCONFIG_CMD_CREATE, null, null, 0);
  return new Fd(Number(call('fsmount', `fsmount ${type}`, SYS_FSMOUNT, context.number, CLOEXEC, 0)));
}
