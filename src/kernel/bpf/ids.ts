/** Every object of a kind that the kernel has, by its id. Ids are never used again. */

import { readlinkSync } from 'node:fs';
import { SyscallError } from '../../lib/errors.ts';
import { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { unlessAbsent } from './map.ts';

export type ObjectKind = 'program' | 'map' | 'link' | 'btf';

const COMMANDS: Readonly<Record<ObjectKind, { next: number; open: number; name: string }>> = {
  program: { next: uapi.BPF_PROG_GET_NEXT_ID, open: uapi.BPF_PROG_GET_FD_BY_ID, name: 'PROG' },
  map: { next: uapi.BPF_MAP_GET_NEXT_ID, open: uapi.BPF_MAP_GET_FD_BY_ID, name: 'MAP' },
  link: { next: uapi.BPF_LINK_GET_NEXT_ID, open: uapi.BPF_LINK_GET_FD_BY_ID, name: 'LINK' },
  btf: { next: uapi.BPF_BTF_GET_NEXT_ID, open: uapi.BPF_BTF_GET_FD_BY_ID, name: 'BTF' },
};

/** What BPF_ENABLE_STATS gives, and events that may run programs. */
export type OtherDescriptor = 'statistics' | 'perf-event';

/** What `/proc/PID/fd` shows of a descriptor, by kind. @kernel anon_inode_getfd in kernel/bpf/syscall.c */
const DESCRIPTORS: Readonly<Record<string, ObjectKind | OtherDescriptor>> = {
  'anon_inode:bpf-stats': 'statistics', 'anon_inode:[perf_event]': 'perf-event',
  // Before Linux 5.7, which made these links.
  'anon_inode:bpf-raw-tracepoint': 'perf-event',
  'anon_inode:bpf-prog': 'program', 'anon_inode:bpf-map': 'map', 'anon_inode:btf': 'btf',
  // A link has the first name from the call that made it, the second from a pin or an id.
  'anon_inode:bpf_link': 'link', 'anon_inode:bpf-link': 'link',
};

/** What the descriptor at `/proc/PID/fd/N` refers to; undefined for anything that has nothing to do with BPF. @throws Error when it is gone */
export const descriptorKind = (path: string): ObjectKind | OtherDescriptor | undefined => DESCRIPTORS[readlinkSync(path)];

/** The same for a descriptor of one's own, of which nobody knows after opening a pin. */
export function objectKind(fd: Fd): ObjectKind | undefined {
  const kind = descriptorKind(`/proc/self/fd/${fd.number}`);
  return kind === 'statistics' || kind === 'perf-event' ? undefined : kind;
}

/** Ids in ascending order. @throws SyscallError EPERM without CAP_SYS_ADMIN. */
export function* objectIds(kind: ObjectKind): Generator<number> {
  const { next, name } = COMMANDS[kind];
  for (let id = 0; ; ) {
    const attr = new Attr().u32(0, id);
    if (unlessAbsent(() => attr.call(next, `BPF_${name}_GET_NEXT_ID`)) === undefined) return;
    id = attr.bytes.readUInt32LE(4);
    yield id;
  }
}

/**
 * Opens an object, which the caller closes; undefined when it is gone, or is a link that is being attached at this moment.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN.
 * @kernel bpf_link_by_id in kernel/bpf/syscall.c: EAGAIN between bpf_link_prime and bpf_link_settle, when the link "doesn't exist"
 */
export function openById(kind: ObjectKind, id: number): Fd | undefined {
  const { open, name } = COMMANDS[kind];
  try {
    return new Fd(new Attr().u32(0, id).call(open, `BPF_${name}_GET_FD_BY_ID ${id}`));
  } catch (error) {
    if (error instanceof SyscallError && (error.errnoName === 'ENOENT' || error.errnoName === 'EAGAIN')) return undefined;
    throw error;
  }
}
