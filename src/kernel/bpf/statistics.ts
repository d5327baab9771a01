import { readFileSync, writeFileSync } from 'node:fs';
import { SyscallError } from '../../lib/errors.ts';
import { Fd, toSyscallError } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

/**
 * Makes the kernel count runs and run time of all programs until the descriptor is closed; it costs some ns a run.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN; EINVAL before Linux 5.8. @kernel bpf_enable_runtime_stats
 */
export function enableStatistics(): Fd {
  return new Fd(new Attr().u32(0, uapi.BPF_STATS_RUN_TIME).call(uapi.BPF_ENABLE_STATS, 'BPF_ENABLE_STATS'));
}

/**
 * The same on any kernel: through the sysctl where there is no such descriptor. What was there before comes back when the
 * result is disposed of, and when the process ends.
 */
export function switchStatisticsOn(): Disposable {
  try {
    return enableStatistics();
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'EINVAL') return holdSwitch();
    throw error;
  }
}

/** Keeps the sysctl on, for kernels without the descriptor; `path` is its file. @throws SyscallError EACCES without root */
export function holdSwitch(path: string = SWITCH): Disposable {
  const before = readFileSync(path, 'latin1').trim();
  const set = (value: string): void => writeFileSync(path, `${value}\n`);
  try {
    if (before !== '1') set('1');
  } catch (error) {
    throw toSyscallError(`write ${path}`, error);
  }
  const restore = (): void => {
    process.off('exit', restore);
    if (before !== '1') set(before);
  };
  // Ctrl-C ends the process without unwinding.
  process.on('exit', restore);
  return { [Symbol.dispose]: restore };
}

/** Whether the sysctl has the kernel count; descriptors of other processes, which have the same effect, are not seen here. */
export function isSwitchOn(): boolean {
  try {
    return readFileSync(SWITCH, 'latin1').trim() === '1';
  } catch {
    return false;
  }
}
