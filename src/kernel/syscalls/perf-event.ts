import { Fd } from './fd.ts';
import { call } from './libc.ts';

const SYS_PERF_EVENT_OPEN = process.arch === 'arm64' ? 241 : 298;
const PERF_FLAG_FD_CLOEXEC = 8;

/**
 * Opens the event that a `struct perf_event_attr` describes; `pid` and `cpu` are -1 for all, but not both.
 *
 * @throws SyscallError EACCES, EPERM without CAP_PERFMON; ENOENT for an event that this machine has not. @man perf_event_open(2)
 */
export function openPerfEvent(attr: Buffer, { pid, cpu }: { pid: number; cpu: number }): Fd {
  return new Fd(Number(call('perf_event_open', 'perf_event_open', SYS_PERF_EVENT_OPEN, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}
