/** Links on network devices: XDP, tcx, netkit. Device numbers are those of the calling thread's network namespace. */

import type { Fd } from '../../syscalls/index.ts';
import { bpf as uapi, ifLink } from '../../uapi/index.ts';
import { createLink, placed, type Attachable, type Place } from './create.ts';

/** `auto` takes native where the driver has it; `offload` runs on the network card. */
export type XdpMode = 'auto' | 'native' | 'generic' | 'offload';

const XDP_FLAGS: Readonly<Record<XdpMode, number>> = {
  auto: 0, generic: ifLink.XDP_FLAGS_SKB_MODE, native: ifLink.XDP_FLAGS_DRV_MODE, offload: ifLink.XDP_FLAGS_HW_MODE,
};

/**
 * Attaches an XDP program to a device, which takes one only.
 *
 * @throws SyscallError EBUSY when the device has one already; EOPNOTSUPP where the driver cannot; ENODEV without the device.
 * @kernel net/core/dev.c bpf_xdp_link_attach, since Linux 5.9
 */
export const attachXdp = (program: Attachable, ifindex: number, mode: XdpMode = 'auto'): Fd =>
  createLink(program, { target: ifindex, attachType: uapi.BPF_XDP, flags: XDP_FLAGS[mode] });

/**
 * Attaches a classifier to the row of one direction of a device, at its end unless a place is given.
 *
 * @throws SyscallError EEXIST when the same program stands there; ENOENT without the neighbour; ESTALE for an old revision.
 * @kernel kernel/bpf/tcx.c, since Linux 6.6
 */
export const attachTcx = (program: Attachable, ifindex: number, direction: 'ingress' | 'egress', place?: Place): Fd =>
  createLink(program, { target: ifindex, attachType: direction === 'ingress' ? uapi.BPF_TCX_INGRESS : uapi.BPF_TCX_EGRESS, ...placed(place) });

/** Attaches a classifier to one end of a netkit pair, named by its primary device. @kernel drivers/net/netkit.c, since Linux 6.7 */
export const attachNetkit = (program: Attachable, ifindex: number, end: 'primary' | 'peer', place?: Place): Fd =>
  createLink(program, { target: ifindex, attachType: end === 'primary' ? uapi.BPF_NETKIT_PRIMARY : uapi.BPF_NETKIT_PEER, ...placed(place) });
