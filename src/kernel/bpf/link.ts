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
    const attr = new Attr().u32(0, program.fd.number).u32(8, uapi.BPF_NETFILTER).u32(16, family).u32(20, hook).u32(24, priority);
    return new Fd(attr.call(uapi.BPF_LINK_CREATE, `BPF_LINK_CREATE ${program.name}`));
  });
}

/** Which program a link runs. */
export function linkInfo(fd: Fd): { id: number; type: number; programId: number } {
  const info = objectInfo(fd, 32);
  return { type: info.readUInt32LE(0), id: info.readUInt32LE(4), programId: info.readUInt32LE(8) };
}
