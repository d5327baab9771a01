/** Nexthop objects and groups of them, which routes and VXLAN FDB entries may point to. */

import { formatNextHopMessage } from 'netlink/dist/rt/structs.js';
import { netlink, nexthop as nh, rtnetlink, socket } from '../uapi/index.ts';
import { ipBytes, readIp } from './address.ts';
import { encode, walk } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** A nexthop, or a group of others. */
export interface Nexthop {
  id: number;
  /** AF_INET, AF_INET6, or AF_UNSPEC for a group. */
  family: number;
  /** RTPROT_*. */
  protocol: number;
  gateway: string | undefined;
  oif: number | undefined;
  blackhole: boolean;
  /** For FDB entries: a remote VTEP, not a route. */
  fdb: boolean;
  /** Members of a group; weights count from 1. */
  group: readonly { id: number; weight: number }[] | undefined;
}

/** Length of `struct nhmsg` and of `struct nexthop_grp`. */
const NHMSG = 8;
const NEXTHOP_GRP = 8;

/** All nexthops and groups of the socket's namespace. */
export const listNexthops = (netlinkSocket: NetlinkSocket): Dump<Nexthop> =>
  netlinkSocket.dump({ operation: 'RTM_GETNEXTHOP', type: rtnetlink.RTM_GETNEXTHOP, flags: 0, body: Buffer.alloc(NHMSG) }, readNexthop);

/** Reads an RTM_NEWNEXTHOP body. */
function readNexthop(bytes: Buffer, start: number, end: number): Nexthop {
  const found: Nexthop = { id: 0, family: bytes[start]!, protocol: bytes[start + 2]!, gateway: undefined, oif: undefined, blackhole: false, fdb: false, group: undefined };
  walk(bytes, start + NHMSG, end, (type, from, to) => {
    switch (type) {
      case nh.NHA_ID: found.id = bytes.readUInt32LE(from); break;
      case nh.NHA_GATEWAY: found.gateway = readIp(bytes, from, to); break;
      case nh.NHA_OIF: found.oif = bytes.readUInt32LE(from); break;
      case nh.NHA_BLACKHOLE: found.blackhole = true; break;
      case nh.NHA_FDB: found.fdb = true; break;
      case nh.NHA_GROUP: found.group = readGroup(bytes, from, to); break;
      default: break;
    }
  });
  return found;
}

/** The weight is one less on the wire, and has a high byte since Linux 6.12. */
function readGroup(bytes: Buffer, from: number, to: number): { id: number; weight: number }[] {
  const members: { id: number; weight: number }[] = [];
  for (let at = from; at + NEXTHOP_GRP <= to; at += NEXTHOP_GRP) members.push({ id: bytes.readUInt32LE(at), weight: bytes[at + 4]! + (bytes[at + 5]! << 8) + 1 });
  return members;
}

/** A nexthop to write: with `group` a group, else one gateway. */
export interface NexthopSpec {
  id: number;
  gateway?: string;
  oif?: number;
  fdb?: boolean;
  group?: readonly { id: number; weight?: number }[];
}

/** Writes a nexthop in the place of the one with its id. */
export function replaceNexthop({ id, gateway, oif, fdb, group }: NexthopSpec): Request {
  const bytes = gateway === undefined ? undefined : ipBytes(gateway);
  const family = bytes === undefined ? socket.AF_UNSPEC : bytes.length === 4 ? socket.AF_INET : socket.AF_INET6;
  const attrs = {
    id,
    ...(group === undefined ? {} : { group: groupBytes(group) }),
    ...(oif === undefined ? {} : { oif }),
    ...(bytes === undefined ? {} : { gateway: bytes }),
    ...(fdb === true ? { fdb } as const : {}),
  };
  const body = encode(formatNextHopMessage, { kind: 'nexthop' as const, data: { family, protocol: rtnetlink.RTPROT_STATIC }, attrs });
  return { operation: `RTM_NEWNEXTHOP ${id}`, type: rtnetlink.RTM_NEWNEXTHOP, flags: netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE, body };
}

/** Removes a nexthop; groups lose it as a member, routes and FDB entries through it go too. */
export const deleteNexthop = (id: number): Request => ({
  operation: `RTM_DELNEXTHOP ${id}`, type: rtnetlink.RTM_DELNEXTHOP, flags: 0, body: encode(formatNextHopMessage, { kind: 'nexthop' as const, data: {}, attrs: { id } }),
});

function groupBytes(group: readonly { id: number; weight?: number }[]): Buffer {
  const bytes = Buffer.alloc(group.length * NEXTHOP_GRP);
  group.forEach(({ id, weight = 1 }, index) => {
    bytes.writeUInt32LE(id, index * NEXTHOP_GRP);
    bytes.writeUInt8(weight - 1, index * NEXTHOP_GRP + 4);
  });
  return bytes;
}
