/** What the kernel says about a link. @kernel linux/bpf.h struct bpf_link_info */

import { address, type Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { cString, objectInfo } from '../info.ts';
import type { NetfilterHook } from './netfilter.ts';

/** Where a link stands, by the kind of the link; a kind that is not known here keeps its number. */
export type LinkPlace =
  | { kind: 'raw_tracepoint'; name: string }
  /** `objectId` is that of the BTF or the program that holds the function with the type id `typeId`. */
  | { kind: 'tracing'; attachType: number; objectId: number; typeId: number }
  /** `cgroupId` is the inode number of the directory. */
  | { kind: 'cgroup'; cgroupId: bigint; attachType: number }
  | { kind: 'iter'; name: string; mapId: number }
  /** `inode` is 0 when the namespace is gone. */
  | { kind: 'netns'; inode: number; attachType: number }
  /** `ifindex` is 0 when the device is gone; otherwise a number of the device's own namespace, which is not told. */
  | { kind: 'xdp'; ifindex: number }
  | { kind: 'tcx' | 'netkit'; ifindex: number; attachType: number }
  | { kind: 'struct_ops'; mapId: number }
  | ({ kind: 'netfilter' } & NetfilterHook)
  | { kind: 'kprobe_multi'; count: number; onReturn: boolean; missed: bigint }
  | { kind: 'uprobe_multi'; path: string; offsets: bigint[]; onReturn: boolean; pid: number }
  | { kind: 'kprobe'; name: string; offset: number; onReturn: boolean; address: bigint }
  | { kind: 'uprobe'; path: string; offset: number; onReturn: boolean }
  | { kind: 'tracepoint'; name: string }
  /** `type` and `config` as in `struct perf_event_attr`. */
  | { kind: 'perf_event'; type: number; config: bigint }
  | { kind: 'sockmap'; mapId: number; attachType: number }
  | { kind: 'other' };

export interface LinkInfo {
  id: number;
  /** BPF_LINK_TYPE_* */
  type: number;
  /** 0 for a struct_ops link, which has a map of programs. */
  programId: number;
  place: LinkPlace;
}

/** sizeof(struct bpf_link_info), with room to grow */
const INFO_BYTES = 96;
const NAME_BYTES = 256;
const PATH_BYTES = 4096;

/** Which program a link runs, and where. */
export function linkInfo(fd: Fd): LinkInfo {
  const info = objectInfo(fd, INFO_BYTES);
  const type = info.readUInt32LE(0);
  return { id: info.readUInt32LE(4), type, programId: info.readUInt32LE(8), place: PLACES[type]?.(info, fd) ?? { kind: 'other' } };
}

type ReadPlace = (info: Buffer, fd: Fd) => LinkPlace;

const PLACES: Readonly<Record<number, ReadPlace>> = {
  [uapi.BPF_LINK_TYPE_RAW_TRACEPOINT]: (_, fd) => ({ kind: 'raw_tracepoint', name: readText(fd, 16, 24) }),
  [uapi.BPF_LINK_TYPE_TRACING]: (info) => ({
    kind: 'tracing', attachType: info.readUInt32LE(16), objectId: info.readUInt32LE(20), typeId: info.readUInt32LE(24),
  }),
  [uapi.BPF_LINK_TYPE_CGROUP]: (info) => ({ kind: 'cgroup', cgroupId: info.readBigUInt64LE(16), attachType: info.readUInt32LE(24) }),
  [uapi.BPF_LINK_TYPE_ITER]: (info, fd) => ({ kind: 'iter', name: readText(fd, 16, 24), mapId: info.readUInt32LE(28) }),
  [uapi.BPF_LINK_TYPE_NETNS]: (info) => ({ kind: 'netns', inode: info.readUInt32LE(16), attachType: info.readUInt32LE(20) }),
  [uapi.BPF_LINK_TYPE_XDP]: (info) => ({ kind: 'xdp', ifindex: info.readUInt32LE(16) }),
  [uapi.BPF_LINK_TYPE_TCX]: (info) => ({ kind: 'tcx', ifindex: info.readUInt32LE(16), attachType: info.readUInt32LE(20) }),
  [uapi.BPF_LINK_TYPE_NETKIT]: (info) => ({ kind: 'netkit', ifindex: info.readUInt32LE(16), attachType: info.readUInt32LE(20) }),
  [uapi.BPF_LINK_TYPE_STRUCT_OPS]: (info) => ({ kind: 'struct_ops', mapId: info.readUInt32LE(16) }),
  [uapi.BPF_LINK_TYPE_NETFILTER]: (info) => ({
    kind: 'netfilter', family: info.readUInt32LE(16) as 2 | 10, hook: info.readUInt32LE(20), priority: info.readInt32LE(24),
    defrag: (info.readUInt32LE(28) & uapi.BPF_F_NETFILTER_IP_DEFRAG) !== 0,
  }),
  [uapi.BPF_LINK_TYPE_KPROBE_MULTI]: (info) => ({
    kind: 'kprobe_multi', count: info.readUInt32LE(24), onReturn: (info.readUInt32LE(28) & uapi.BPF_F_KPROBE_MULTI_RETURN) !== 0, missed: info.readBigUInt64LE(32),
  }),
  [uapi.BPF_LINK_TYPE_UPROBE_MULTI]: readUprobes,
  [uapi.BPF_LINK_TYPE_PERF_EVENT]: readPerfEvent,
  [uapi.BPF_LINK_TYPE_SOCKMAP]: (info) => ({ kind: 'sockmap', mapId: info.readUInt32LE(16), attachType: info.readUInt32LE(20) }),
};

function readUprobes(info: Buffer, fd: Fd): LinkPlace {
  const count = info.readUInt32LE(52);
  const path = Buffer.alloc(PATH_BYTES);
  const offsets = Buffer.alloc(count * 8);
  const filled = objectInfo(fd, INFO_BYTES, (request) => {
    request.writeBigUInt64LE(address(path), 16);
    request.writeBigUInt64LE(address(offsets), 24);
    request.writeUInt32LE(path.length, 48);
    request.writeUInt32LE(count, 52);
  });
  return {
    kind: 'uprobe_multi',
    path: cString(path),
    offsets: Array.from({ length: count }, (_, i) => offsets.readBigUInt64LE(i * 8)),
    onReturn: (filled.readUInt32LE(56) & uapi.BPF_F_UPROBE_MULTI_RETURN) !== 0,
    pid: filled.readUInt32LE(60),
  };
}

/** The kernel says what an event is about since Linux 6.6; before, its type is 0. */
function readPerfEvent(info: Buffer, fd: Fd): LinkPlace {
  const type = info.readUInt32LE(16);
  const offset = info.readUInt32LE(36);
  switch (type) {
    case uapi.BPF_PERF_EVENT_UPROBE:
    case uapi.BPF_PERF_EVENT_URETPROBE:
      return { kind: 'uprobe', path: readText(fd, 24, 32, PATH_BYTES), offset, onReturn: type === uapi.BPF_PERF_EVENT_URETPROBE };
    case uapi.BPF_PERF_EVENT_KPROBE:
    case uapi.BPF_PERF_EVENT_KRETPROBE:
      return { kind: 'kprobe', name: readText(fd, 24, 32), offset, onReturn: type === uapi.BPF_PERF_EVENT_KRETPROBE, address: info.readBigUInt64LE(40) };
    case uapi.BPF_PERF_EVENT_TRACEPOINT:
      return { kind: 'tracepoint', name: readText(fd, 24, 32) };
    case uapi.BPF_PERF_EVENT_EVENT:
      return { kind: 'perf_event', config: info.readBigUInt64LE(24), type: info.readUInt32LE(32) };
    default:
      return { kind: 'other' };
  }
}

/** A name that the kernel writes to where it is told to: the pointer stands at `pointer`, the room at `length`. */
function readText(fd: Fd, pointer: number, length: number, bytes: number = NAME_BYTES): string {
  const text = Buffer.alloc(bytes);
  objectInfo(fd, INFO_BYTES, (request) => {
    request.writeBigUInt64LE(address(text), pointer);
    request.writeUInt32LE(text.length, length);
  });
  return cString(text);
}
