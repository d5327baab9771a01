import { SyscallError } from '../../lib/errors.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { cString } from './info.ts';

/** A program that a descriptor of a process runs without a link: by a perf event, or by the old way to a raw tracepoint. */
export interface PerfProgram {
  programId: number;
  kind: 'raw_tracepoint' | 'tracepoint' | 'kprobe' | 'kretprobe' | 'uprobe' | 'uretprobe';
  /** Tracepoint, function, or path of a program. */
  name: string;
  /** In bytes from there, for probes. */
  offset: bigint;
}

/** `enum bpf_task_fd_type`, in its order. */
const KINDS = ['raw_tracepoint', 'tracepoint', 'kprobe', 'kretprobe', 'uprobe', 'uretprobe'] as const;
const NAME_BYTES = 4096;

/**
 * Which program stands behind descriptor `fd` of process `pid`; undefined where none does, where it counts hardware events, and
 * without the rights to ask.
 *
 * @kernel bpf_task_fd_query
 */
export function perfProgram(pid: number, fd: number): PerfProgram | undefined {
  const name = Buffer.alloc(NAME_BYTES);
  const attr = new Attr().u32(0, pid).u32(4, fd).u32(12, NAME_BYTES).pointer(16, name);
  try {
    attr.call(uapi.BPF_TASK_FD_QUERY, 'BPF_TASK_FD_QUERY');
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
  const kind = KINDS[attr.bytes.readUInt32LE(28)];
  return kind === undefined ? undefined : { programId: attr.bytes.readUInt32LE(24), kind, name: cString(name), offset: attr.bytes.readBigUInt64LE(32) };
}
