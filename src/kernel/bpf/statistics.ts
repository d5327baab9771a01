import { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

/**
 * Makes the kernel count runs and run time of all programs until the descriptor is closed; it costs some ns a run.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN. @kernel bpf_enable_runtime_stats
 */
export function enableStatistics(): Fd {
  return new Fd(new Attr().u32(0, uapi.BPF_STATS_RUN_TIME).call(uapi.BPF_ENABLE_STATS, 'BPF_ENABLE_STATS'));
}
