/** What this kernel can do, found out by trying. */

import { existsSync } from 'node:fs';
import { KERNEL_BTF } from '../btf/index.ts';
import { inNewNetns } from '../netns/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { attachNetfilter } from './link/index.ts';
import { attempt, type Feature } from './probe/attempt.ts';
import { BpfProgram } from './program.ts';

const NF_INET_LOCAL_OUT = 3;
const NFPROTO_IPV4 = 2;
/** `r0 = NF_ACCEPT; exit` */
const ACCEPT = Buffer.from('b7000000010000009500000000000000', 'hex');

/**
 * Whether netfilter programs can be loaded and attached: does both, in a network namespace of its own.
 *
 * A refusal for want of rights counts as absent too; `reason` then has EPERM.
 *
 * @kernel CONFIG_NETFILTER_BPF_LINK, since Linux 6.4
 */
export function probeNetfilterLink(): Feature {
  return attempt(() => {
    using program = BpfProgram.load({
      name: 'probe', type: uapi.BPF_PROG_TYPE_NETFILTER, expectedAttachType: uapi.BPF_NETFILTER, instructions: ACCEPT, license: 'GPL',
    });
    inNewNetns(() => attachNetfilter(program, { family: NFPROTO_IPV4, hook: NF_INET_LOCAL_OUT, priority: 0 }).close());
  });
}

/** Whether the kernel carries its own types, without which no object can be fitted to it. */
export function probeBtf(): Feature {
  return existsSync(KERNEL_BTF) ? { available: true } : { available: false, reason: `${KERNEL_BTF} does not exist (CONFIG_DEBUG_INFO_BTF)` };
}
