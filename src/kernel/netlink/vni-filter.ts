/** VNIs that a VXLAN device with `external` and `vnifilter` takes in. @kernel drivers/net/vxlan/vxlan_vnifilter.c */

import { ifLink, rtnetlink, socket } from '../uapi/index.ts';
import { ipBytes, readIp } from './address.ts';
import { nest, type RawAttribute, u32, walk } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** A range of VNIs, both ends included. */
export interface VniRange {
  from: number;
  to: number;
  /** Multicast group or remote VTEP for frames of these VNIs without an entry. */
  group?: string | undefined;
}

/** Length of `struct tunnel_msg`: family, flags, and the interface at offset 4. */
const TUNNEL_MSG = 8;

/** The filter of one device. @throws NetlinkError EINVAL for a device without one */
export const listVnis = (netlink: NetlinkSocket, ifindex: number): Dump<VniRange> => {
  const { items, complete } = netlink.dump({ operation: 'RTM_GETTUNNEL', type: rtnetlink.RTM_GETTUNNEL, flags: 0, body: tunnelHeader(ifindex) }, readRanges);
  return { items: items.flat(), complete };
};

/** Takes a range into the filter; what is in it stays. Refused for a device without one. */
export const addVnis = (ifindex: number, device: string, { from, to, group }: VniRange): Request => {
  const target = group === undefined ? undefined : ipBytes(group);
  const groups: RawAttribute[] = target === undefined ? [] : [[target.length === 4 ? ifLink.VXLAN_VNIFILTER_ENTRY_GROUP : ifLink.VXLAN_VNIFILTER_ENTRY_GROUP6, target]];
  const entry = nest([[ifLink.VXLAN_VNIFILTER_ENTRY_START, u32(from)], [ifLink.VXLAN_VNIFILTER_ENTRY_END, u32(to)], ...groups]);
  // The kernel insists on the bit that says nested here.
  const body = Buffer.concat([tunnelHeader(ifindex), nest([[ifLink.VXLAN_VNIFILTER_ENTRY, entry]])]);
  body.writeUInt16LE(ifLink.VXLAN_VNIFILTER_ENTRY | NLA_F_NESTED, TUNNEL_MSG + 2);
  return { operation: `RTM_NEWTUNNEL ${device} vni ${from}-${to}`, type: rtnetlink.RTM_NEWTUNNEL, flags: 0, body };
};

const NLA_F_NESTED = 0x8000;

function tunnelHeader(ifindex: number): Buffer {
  const header = Buffer.alloc(TUNNEL_MSG);
  header.writeUInt8(socket.AF_BRIDGE, 0);
  header.writeUInt32LE(ifindex, 4);
  return header;
}

function readRanges(bytes: Buffer, start: number, end: number): VniRange[] {
  const ranges: VniRange[] = [];
  walk(bytes, start + TUNNEL_MSG, end, (type, from, to) => {
    if (type === ifLink.VXLAN_VNIFILTER_ENTRY) ranges.push(readRange(bytes, from, to));
  });
  return ranges;
}

/** A single VNI comes without an end. */
function readRange(bytes: Buffer, start: number, end: number): VniRange {
  const range: VniRange = { from: 0, to: 0 };
  walk(bytes, start, end, (type, from, to) => {
    if (type === ifLink.VXLAN_VNIFILTER_ENTRY_START) range.from = bytes.readUInt32LE(from);
    if (type === ifLink.VXLAN_VNIFILTER_ENTRY_END) range.to = bytes.readUInt32LE(from);
    if (type === ifLink.VXLAN_VNIFILTER_ENTRY_GROUP || type === ifLink.VXLAN_VNIFILTER_ENTRY_GROUP6) range.group = readIp(bytes, from, to);
  });
  return range.to === 0 ? { ...range, to: range.from } : range;
}
