/** Kernel constants, one file a header (if.ts, in.ts, pkt-cls.ts and socket.ts: the few of two or three), in the kernel's spelling. */

export * as bpf from './bpf.ts';
export * as ethtool from './ethtool.ts';
export * as genetlink from './genetlink.ts';
export * as ifAddr from './if-addr.ts';
export * as ifLink from './if-link.ts';
export * as netDevice from './if.ts';
export * as inet from './in.ts';
export * as neighbour from './neighbour.ts';
export * as netlink from './netlink.ts';
export * as nexthop from './nexthop.ts';
export * as pktCls from './pkt-cls.ts';
export * as rtnetlink from './rtnetlink.ts';
export * as socket from './socket.ts';
export * as wireguard from './wireguard.ts';
