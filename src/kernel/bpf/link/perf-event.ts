/** Links on perf events: tracepoints, kprobes, uprobes, counters; and the links that stand on many probes at once. */

import type { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { createLink, type Attachable } from './create.ts';

/** Runs a program whenever the event happens; the link keeps the event. @kernel bpf_perf_link_attach, since Linux 5.15 */
export const attachPerfEvent = (program: Attachable, event: Fd): Fd =>
  createLink(program, { target: event.number, attachType: uapi.BPF_PERF_EVENT });

/**
 * Attaches to the beginnings, or the returns, of many kernel functions.
 *
 * @throws SyscallError EOPNOTSUPP on a kernel without CONFIG_FPROBE; ESRCH for a function that does not exist.
 * @kernel kernel/trace/bpf_trace.c bpf_kprobe_multi_link_attach, since Linux 5.18
 */
export function attachKprobeMulti(program: Attachable, functions: readonly string[], onReturn: boolean): Fd {
  const names = functions.map((name) => Buffer.from(`${name}\0`));
  return createLink(program, {
    target: 0,
    attachType: uapi.BPF_TRACE_KPROBE_MULTI,
    fill: (attr) => void attr.u32(16, onReturn ? uapi.BPF_F_KPROBE_MULTI_RETURN : 0).u32(20, names.length).pointers(24, names),
  });
}

/**
 * Attaches to many places in one file, given by their offsets in it; `pid` 0 means in every process.
 *
 * @throws SyscallError EBADF, ENOENT for a file that cannot be opened; EINVAL before Linux 6.6.
 * @kernel bpf_uprobe_multi_link_attach
 */
export function attachUprobeMulti(program: Attachable, path: string, offsets: readonly bigint[], { onReturn = false, pid = 0 } = {}): Fd {
  const table = Buffer.alloc(offsets.length * 8);
  offsets.forEach((offset, i) => table.writeBigUInt64LE(offset, i * 8));
  return createLink(program, {
    target: 0,
    attachType: uapi.BPF_TRACE_UPROBE_MULTI,
    fill: (attr) =>
      void attr.string(16, path).pointer(24, table).u32(48, offsets.length).u32(52, onReturn ? uapi.BPF_F_UPROBE_MULTI_RETURN : 0).u32(56, pid),
  });
}
