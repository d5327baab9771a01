import { SyscallError } from '../../../lib/errors.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';

/** What stands at one hook, first to last. */
export interface ProgramRow {
  /** BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI of a cgroup; 0 elsewhere. */
  flags: number;
  /** Counts the changes of the row; 0 where the hook has none. */
  revision: bigint;
  /** `linkId` is only told for tcx and netkit; absent there too for a program that was attached without a link. */
  programs: { id: number; linkId?: number }[];
}

/** More than any hook takes: 64 in a row, and as many in each parent of a cgroup. */
const MOST_PROGRAMS = 256;

/**
 * `BPF_PROG_QUERY`: the programs at a hook. `target` is an ifindex for tcx and netkit, else a descriptor: of a cgroup, a network
 * namespace, a map of sockets, an infrared device (/dev/lirc0).
 *
 * Undefined where the kernel has no such hook. Only programs in use there are told, not those of a cgroup's parents.
 *
 * @throws SyscallError EPERM without CAP_NET_ADMIN; ENODEV without the device.
 * @kernel kernel/bpf/syscall.c bpf_prog_query
 */
export function queryPrograms(target: number, attachType: number): ProgramRow | undefined {
  const ids = Buffer.alloc(MOST_PROGRAMS * 4);
  const links = Buffer.alloc(MOST_PROGRAMS * 4);
  const attr = new Attr().u32(0, target).u32(4, attachType).pointer(16, ids).u32(24, MOST_PROGRAMS);
  // The other hooks refuse a query that asks for links.
  if (ROWS_OF_LINKS.includes(attachType)) attr.pointer(40, links);
  if (!answered(attr)) return undefined;
  return {
    flags: attr.bytes.readUInt32LE(12),
    revision: attr.bytes.readBigUInt64LE(56),
    programs: Array.from({ length: attr.bytes.readUInt32LE(24) }, (_, i) => withLink(ids.readUInt32LE(i * 4), links.readUInt32LE(i * 4))),
  };
}

const ROWS_OF_LINKS: readonly number[] = [uapi.BPF_TCX_INGRESS, uapi.BPF_TCX_EGRESS, uapi.BPF_NETKIT_PRIMARY, uapi.BPF_NETKIT_PEER];

const withLink = (id: number, linkId: number): { id: number; linkId?: number } => (linkId === 0 ? { id } : { id, linkId });

/** Runs the query; false where the kernel has no such hook, or nothing of the kind is there. */
function answered(attr: Attr): boolean {
  try {
    attr.call(uapi.BPF_PROG_QUERY, 'BPF_PROG_QUERY');
    return true;
  } catch (error) {
    if (error instanceof SyscallError && ['EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'ENOENT'].includes(error.errnoName)) return false;
    throw error;
  }
}
