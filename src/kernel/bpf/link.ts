import { inNetns } from '../netns/index.ts';
import { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { objectInfo } from './info.ts';
import type { BpfProgram } from './program.ts';

/** Where a netfilter program stands. `family` is NFPROTO_IPV4 2 or NFPROTO_IPV6 10, `hook` an `enum nf_inet_hooks`. */
export interface NetfilterHook {
  family: 2 | 10;
  hook: number;
  priority: number;
}

/** What the kernel says about a link (`struct bpf_link_info`). */
export interface LinkInfo {
  id: number;
  /** BPF_LINK_TYPE_* */
  type: number;
  programId: number;
  /** Only for a netfilter link. */
  netfilter?: NetfilterHook;
}

/**
 * Attaches a netfilter program in the network namespace at `netns`, or in the caller's.
 *
 * The program stays attached until the last descriptor and pin of the link are gone.
 *
 * @throws SyscallError EBUSY where another BPF program has the same priority; EOPNOTSUPP before Linux 6.4.
 * @kernel bpf_nf_link_attach
 */
export function attachNetfilter(program: BpfProgram, { family, hook, priority }: NetfilterHook, netns?: string): Fd {
  return inNetns(netns, () => {
    const attr = new Attr().u32(0, program.fd.number).u32(8, uapi.BPF_NETFILTER).u32(16, family).u32(20, hook).i32(24, priority);
    return new Fd(attr.call(uapi.BPF_LINK_CREATE, `BPF_LINK_CREATE ${program.name}`));
  });
}

/** Takes the program off its hook now; the link stays, without effect. @throws SyscallError EOPNOTSUPP for types that cannot. */
export function detachLink(fd: Fd): void {
  new Attr().u32(0, fd.number).call(uapi.BPF_LINK_DETACH, 'BPF_LINK_DETACH');
}

/** Which program a link runs, and where. */
export function linkInfo(fd: Fd): LinkInfo {
  const info = objectInfo(fd, 64);
  const type = info.readUInt32LE(0);
  return {
    id: info.readUInt32LE(4),
    type,
    programId: info.readUInt32LE(8),
    ...(type === uapi.BPF_LINK_TYPE_NETFILTER ? { netfilter: netfilterHook(info) } : {}),
  };
}

const netfilterHook = (info: Buffer): NetfilterHook => ({
  family: info.readUInt32LE(16) as 2 | 10, hook: info.readUInt32LE(20), priority: info.readInt32LE(24),
});
