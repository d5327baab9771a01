import { SyscallError } from '../../../lib/errors.ts';
import { address } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';

/** What stands at one hook, first to last. */
export interface ProgramRow {
  /** BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI of a cgroup; 0 elsewhere. */
  flags: number;
  /** Counts the changes of the row; 0 where the hook has none. */
  revision: bigint;
  /** `linkId` is absent for a program that was attached without a link, and on kernels before Linux 6.6. */
  programs: { id: number; linkId?: number }[];
}

/** More than any hook takes: 64 in a row, and as many in each parent of a cgroup. */
const MOST_PROGRAMS = 256;

/**
 * `BPF_PROG_QUERY`: the programs at a hook. `target` is an ifindex for tcx and netkit, else a descriptor: of a cgroup, a network
 * namespace, a map of sockets, an infrared device.
 *
 * Undefined where the kernel has no such hook. Only programs in use there are told, not those of a cgroup's parents.
 *
 * @throws SyscallError EPERM without CAP_NET_ADMIN; ENODEV without the device.
 * @kernel kernel/bpf/syscall.c bpf_prog_query
 */
export function queryPrograms(target: number, attachType: number): ProgramRow | undefined {
  const ids = Buffer.alloc(MOST_PROGRAMS * 4);
  const links = Buffer.alloc(MOST_PROGRAMS * 4);
  const asked = query(target, attachType, (attr) => void attr.pointer(16, ids).u32(24, MOST_PROGRAMS).u64(40, address(links)))
    // Only rows of links know this field; the others refuse an attr that has it set.
    ?? query(target, attachType, (attr) => void attr.pointer(16, ids).u32(24, MOST_PROGRAMS));
  if (asked === undefined) return undefined;
  return {
    flags: asked.bytes.readUInt32LE(12),
    revision: asked.bytes.readBigUInt64LE(56),
    programs: Array.from({ length: asked.bytes.readUInt32LE(24) }, (_, i) => withLink(ids.readUInt32LE(i * 4), links.readUInt32LE(i * 4))),
  };
}

const withLink = (id: number, linkId: number): { id: number; linkId?: number } => (linkId === 0 ? { id } : { id, linkId });

function query(target: number, attachType: number, fill: (attr: Attr) => void): Attr | undefined {
  const attr = new Attr().u32(0, target).u32(4, attachType);
  fill(attr);
  try {
    attr.call(uapi.BPF_PROG_QUERY, 'BPF_PROG_QUERY');
    return attr;
  } catch (error) {
    if (error instanceof SyscallError && ['EINVAL', 'EOPNOTSUPP', 'ENOENT'].includes(error.errnoName)) return undefined;
    throw error;
  }
}
