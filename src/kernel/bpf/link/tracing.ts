/** Links on functions and tracepoints of the kernel, and on iterators. */

import { readSync } from 'node:fs';
import { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';
import { createLink, type Attachable } from './create.ts';

/**
 * Attaches a program to the tracepoint `name` (`sched_switch`, without its category).
 *
 * @throws SyscallError ENOENT for a tracepoint that does not exist. @kernel kernel/bpf/syscall.c bpf_raw_tp_link_attach
 */
export const attachRawTracepoint = ({ fd, name: program }: Attachable, name: string): Fd =>
  new Fd(new Attr().string(0, name).u32(8, fd.number).call(uapi.BPF_RAW_TRACEPOINT_OPEN, `BPF_RAW_TRACEPOINT_OPEN ${program}`));

/**
 * Attaches a program that was loaded for one place of the kernel to it: fentry, fexit, fmod_ret, tp_btf, lsm, freplace.
 *
 * @throws SyscallError EBUSY when the function has all it can take; EINVAL for another type. @kernel bpf_tracing_prog_attach
 */
export const attachTracing = ({ fd, name }: Attachable): Fd =>
  new Fd(new Attr().u32(8, fd.number).call(uapi.BPF_RAW_TRACEPOINT_OPEN, `BPF_RAW_TRACEPOINT_OPEN ${name}`));

/** What an iterator is to walk, where its kind needs one: the elements of a map, a cgroup tree, the tasks of a process. */
export type IteratorTarget = { map: Fd } | { cgroup: Fd } | { pid: number };

/**
 * Links an iterator program, so that it can be read as often as wanted.
 *
 * @throws SyscallError EINVAL where the kind needs a target, or takes none; EBADF for one that is something else.
 * @kernel kernel/bpf/bpf_iter.c bpf_iter_link_attach, since Linux 5.8
 */
export function attachIterator(program: Attachable, target?: IteratorTarget): Fd {
  const info = target === undefined ? undefined : iteratorInfo(target);
  return createLink(program, {
    target: 0,
    attachType: uapi.BPF_TRACE_ITER,
    ...(info === undefined ? {} : { fill: (attr) => void attr.pointer(16, info).u32(24, info.length) }),
  });
}

/** Begins one walk of an iterator link: a file to read to its end. @kernel bpf_iter_new_fd */
const openIterator = (link: Fd): Fd => new Fd(new Attr().u32(0, link.number).call(uapi.BPF_ITER_CREATE, 'BPF_ITER_CREATE'));

/** Everything that one walk of an iterator link prints, in pieces as the kernel hands them out. */
export function* readIterator(link: Fd): Generator<Buffer> {
  using walk = openIterator(link);
  for (;;) {
    const piece = Buffer.alloc(1 << 16);
    const length = readSync(walk.number, piece);
    if (length === 0) return;
    yield piece.subarray(0, length);
  }
}

/** `union bpf_iter_link_info`; BPF_CGROUP_ITER_DESCENDANTS_PRE is 2. */
function iteratorInfo(target: IteratorTarget): Buffer {
  const info = Buffer.alloc(16);
  if ('map' in target) info.writeUInt32LE(target.map.number, 0);
  else if ('pid' in target) info.writeUInt32LE(target.pid, 4);
  else {
    info.writeUInt32LE(2, 0);
    info.writeUInt32LE(target.cgroup.number, 4);
  }
  return info;
}
