import { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';

/** A program that is in the kernel; `name` is for errors. */
export interface Attachable {
  fd: Fd;
  name: string;
}

/** Where in the row of programs of one hook a new one stands. @kernel kernel/bpf/mprog.c, since Linux 6.6 */
export interface Place {
  /** At the neighbour's side; without a neighbour at the beginning (`before`) or the end (`after`). */
  side: 'before' | 'after';
  /** Id of the program or link beside it. */
  neighbour?: { kind: 'program' | 'link'; id: number };
  /** Refuse with ESTALE when the row has another revision by now. */
  expectedRevision?: bigint;
}

/** One `BPF_LINK_CREATE`: `target` is a descriptor or an ifindex; `fill` writes what follows the flags, from offset 16. */
export interface LinkCreation {
  target: number;
  attachType: number;
  flags?: number;
  fill?: (attr: Attr) => void;
}

/**
 * Attaches a program; it stays until the last descriptor and pin of the link are gone.
 *
 * @throws SyscallError `bpf(BPF_LINK_CREATE NAME)`.
 * @kernel kernel/bpf/syscall.c link_create
 */
export function createLink({ fd, name }: Attachable, { target, attachType, flags = 0, fill }: LinkCreation): Fd {
  const attr = new Attr().u32(0, fd.number).u32(4, target).u32(8, attachType).u32(12, flags);
  fill?.(attr);
  return new Fd(attr.call(uapi.BPF_LINK_CREATE, `BPF_LINK_CREATE ${name}`));
}

/** Flags and fields of a place in a row: `relative_id` at 16 and `expected_revision` at 24, the same for tcx, netkit and cgroup. */
export function placed(place: Place | undefined): Pick<LinkCreation, 'flags' | 'fill'> {
  if (place === undefined) return {};
  const { side, neighbour, expectedRevision = 0n } = place;
  const beside = neighbour === undefined ? 0 : uapi.BPF_F_ID | (neighbour.kind === 'link' ? uapi.BPF_F_LINK : 0);
  return {
    flags: (side === 'before' ? uapi.BPF_F_BEFORE : uapi.BPF_F_AFTER) | beside,
    fill: (attr) => void attr.u32(16, neighbour?.id ?? 0).u64(24, expectedRevision),
  };
}
