import type { Fd } from '../../syscalls/index.ts';
import { inNetns } from '../../netns/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { createLink, type Attachable } from './create.ts';

/** Where a netfilter program stands. `family` is NFPROTO_IPV4 2 or NFPROTO_IPV6 10, `hook` an `enum nf_inet_hooks`. */
export interface NetfilterHook {
  family: 2 | 10;
  hook: number;
  priority: number;
  /** Fragments are put together before the program sees them. */
  defrag?: boolean;
}

/**
 * Attaches a netfilter program in the network namespace at `netns`, or in the caller's.
 *
 * @throws SyscallError EBUSY where another BPF program has the same priority; EOPNOTSUPP before Linux 6.4.
 * @kernel net/netfilter/nf_bpf_link.c bpf_nf_link_attach
 */
export function attachNetfilter(program: Attachable, { family, hook, priority, defrag = false }: NetfilterHook, netns?: string): Fd {
  return inNetns(netns, () => createLink(program, {
    target: 0,
    attachType: uapi.BPF_NETFILTER,
    fill: (attr) => void attr.u32(16, family).u32(20, hook).i32(24, priority).u32(28, defrag ? uapi.BPF_F_NETFILTER_IP_DEFRAG : 0),
  }));
}
