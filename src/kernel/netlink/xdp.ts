import { formatLinkMessage } from 'netlink/dist/rt/structs.js';
import { ifLink, rtnetlink } from '../uapi/index.ts';
import { encode, nest, u32 } from './attributes.ts';
import type { Request } from './message.ts';

const FLAGS = { generic: ifLink.XDP_FLAGS_SKB_MODE, native: ifLink.XDP_FLAGS_DRV_MODE, offload: ifLink.XDP_FLAGS_HW_MODE } as const;
const NO_PROGRAM = -1;

/** Takes off an XDP program that was attached without a link. Refused with EBUSY when a link holds it. @kernel net/core/dev.c dev_change_xdp_fd */
export const detachXdp = (ifindex: number, device: string, mode: keyof typeof FLAGS): Request => ({
  operation: `RTM_SETLINK ${device} xdp off`, type: rtnetlink.RTM_SETLINK, flags: 0,
  body: encode(formatLinkMessage, { kind: 'link' as const, data: { index: ifindex }, attrs: {} }, [
    [ifLink.IFLA_XDP, nest([[ifLink.IFLA_XDP_FD, u32(NO_PROGRAM)], [ifLink.IFLA_XDP_FLAGS, u32(FLAGS[mode])]])],
  ]),
});
