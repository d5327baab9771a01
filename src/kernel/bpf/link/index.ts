/** Links: one program at one hook, for as long as somebody holds or pins them; and what else stands at hooks. */

import type { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';
import type { Attachable } from './create.ts';

export { attachCgroup, attachNetns, attachSockmap, attachStructOps } from './container.ts';
export type { Attachable, Place } from './create.ts';
export { attachNetkit, attachTcx, attachXdp, type XdpMode } from './device.ts';
export { linkInfo, type LinkInfo, type LinkPlace } from './info.ts';
export { attachNetfilter, type NetfilterHook } from './netfilter.ts';
export { attachKprobeMulti, attachPerfEvent, attachUprobeMulti } from './perf-event.ts';
export { type ProgramRow, queryPrograms } from './query.ts';
export { attachIterator, attachRawTracepoint, attachTracing, type IteratorTarget, readIterator } from './tracing.ts';

/** Takes the program off its hook now; the link stays, without effect. @throws SyscallError EOPNOTSUPP for types that cannot. */
export function detachLink(fd: Fd): void {
  new Attr().u32(0, fd.number).call(uapi.BPF_LINK_DETACH, 'BPF_LINK_DETACH');
}

/**
 * Takes a program off a hook where it stands without a link. `target` as for `queryPrograms`, but 0 for a hook of the calling
 * thread's network namespace.
 *
 * @throws SyscallError ENOENT when it does not stand there. @kernel bpf_prog_detach
 */
export function detachProgram({ fd, name }: Attachable, target: number, attachType: number): void {
  new Attr().u32(0, target).u32(4, fd.number).u32(8, attachType).call(uapi.BPF_PROG_DETACH, `BPF_PROG_DETACH ${name}`);
}
