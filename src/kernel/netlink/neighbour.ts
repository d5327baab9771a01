/** Neighbour entries and forwarding database entries, which share one message: the family AF_BRIDGE means FDB. */

import { formatNeighborMessage } from 'netlink/dist/rt/structs.js';
import { neighbour as nd, netlink, rtnetlink, socket } from '../uapi/index.ts';
import { ipBytes, macBytes, readIp, readMac } from './address.ts';
import { encode, nest, type RawAttribute, u16be, u32, walk } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** A neighbour or FDB entry. Numbers are in host order; `state` is NUD_*, `flags` NTF_*. */
export interface Neighbour {
  /** AF_INET, AF_INET6 or AF_BRIDGE. */
  family: number;
  ifindex: number;
  state: number;
  flags: number;
  /** NTF_EXT_*. */
  extFlags: number;
  /** Of a neighbour its IP address, of a VXLAN FDB entry the remote VTEP. */
  destination: string | undefined;
  lladdr: string | undefined;
  vlan: number | undefined;
  /** Remote UDP port where it differs from that of the device. */
  port: number | undefined;
  vni: number | undefined;
  /** VNI that the frame came with, on a device with `external`. */
  sourceVni: number | undefined;
  /** Interface that the outer packet leaves through. */
  via: number | undefined;
  master: number | undefined;
  /** Nexthop group in place of a destination. */
  nexthopId: number | undefined;
  /** RTPROT_* of who made it. */
  protocol: number | undefined;
  /** Seconds since it was last used and updated. */
  usedSeconds: number | undefined;
  updatedSeconds: number | undefined;
  /** Seconds since it was last confirmed reachable. */
  confirmedSeconds: number | undefined;
}

/** Length of `struct ndmsg`. */
const NDMSG = 12;
/** `struct nda_cacheinfo` counts in USER_HZ. */
const USER_HZ = 100;

/** Which FDB entries; the kernel does the choosing. */
export interface FdbFilter {
  ifindex?: number;
  /** Ports of this bridge. */
  master?: number;
}

/** FDB entries of all devices, or of one device, or of the ports of one bridge. */
export const listFdb = (netlinkSocket: NetlinkSocket, filter: FdbFilter = {}): Dump<Neighbour> => netlinkSocket.dump(fdbDump(filter), readNeighbour);

/** The same in pieces; returns false when the table changed meanwhile. */
export const readFdb = (netlinkSocket: NetlinkSocket, filter: FdbFilter = {}): AsyncGenerator<Neighbour[], boolean> => netlinkSocket.dumpPieces(fdbDump(filter), readNeighbour);

function fdbDump({ ifindex, master }: FdbFilter): Request {
  const header = Buffer.alloc(NDMSG);
  header.writeUInt8(socket.AF_BRIDGE, 0);
  if (ifindex !== undefined) header.writeInt32LE(ifindex, 4);
  return neighbourDump(header, master === undefined ? [] : [[nd.NDA_MASTER, u32(master)]]);
}

/** Neighbour entries of one family or both, of one device or all. */
export function listNeighbours(netlinkSocket: NetlinkSocket, { family, ifindex }: { family?: 4 | 6; ifindex?: number } = {}): Dump<Neighbour> {
  const header = Buffer.alloc(NDMSG);
  header.writeUInt8(family === undefined ? socket.AF_UNSPEC : family === 4 ? socket.AF_INET : socket.AF_INET6, 0);
  return netlinkSocket.dump(neighbourDump(header, ifindex === undefined ? [] : [[nd.NDA_IFINDEX, u32(ifindex)]]), readNeighbour);
}

const neighbourDump = (header: Buffer, attributes: readonly RawAttribute[]): Request => ({
  operation: 'RTM_GETNEIGH', type: rtnetlink.RTM_GETNEIGH, flags: 0, body: Buffer.concat([header, nest(attributes)]),
});

/** Reads an RTM_NEWNEIGH, RTM_DELNEIGH or RTM_GETNEIGH body; all entries have one shape. */
export function readNeighbour(bytes: Buffer, start: number, end: number): Neighbour {
  const entry: Neighbour = {
    family: bytes[start]!, ifindex: bytes.readInt32LE(start + 4), state: bytes.readUInt16LE(start + 8), flags: bytes[start + 10]!, extFlags: 0,
    destination: undefined, lladdr: undefined, vlan: undefined, port: undefined, vni: undefined, sourceVni: undefined, via: undefined, master: undefined,
    nexthopId: undefined, protocol: undefined, usedSeconds: undefined, updatedSeconds: undefined, confirmedSeconds: undefined,
  };
  walk(bytes, start + NDMSG, end, (type, from, to) => readAttribute(entry, bytes, type, from, to));
  return entry;
}

function readAttribute(entry: Neighbour, bytes: Buffer, type: number, from: number, to: number): void {
  switch (type) {
    case nd.NDA_DST: entry.destination = readIp(bytes, from, to); break;
    case nd.NDA_LLADDR: entry.lladdr = readMac(bytes, from, to); break;
    case nd.NDA_VLAN: entry.vlan = bytes.readUInt16LE(from); break;
    case nd.NDA_PORT: entry.port = bytes.readUInt16BE(from); break;
    case nd.NDA_VNI: entry.vni = bytes.readUInt32LE(from); break;
    case nd.NDA_SRC_VNI: entry.sourceVni = bytes.readUInt32LE(from); break;
    case nd.NDA_IFINDEX: entry.via = bytes.readUInt32LE(from); break;
    case nd.NDA_MASTER: entry.master = bytes.readUInt32LE(from); break;
    case nd.NDA_NH_ID: entry.nexthopId = bytes.readUInt32LE(from); break;
    case nd.NDA_PROTOCOL: entry.protocol = bytes[from]!; break;
    case nd.NDA_FLAGS_EXT: entry.extFlags = bytes.readUInt32LE(from); break;
    case nd.NDA_CACHEINFO:
      entry.confirmedSeconds = bytes.readUInt32LE(from) / USER_HZ;
      entry.usedSeconds = bytes.readUInt32LE(from + 4) / USER_HZ;
      entry.updatedSeconds = bytes.readUInt32LE(from + 8) / USER_HZ;
      break;
    default: break;
  }
}

/** A FDB entry to write. Absent members are the device's own. */
export interface FdbSpec {
  ifindex: number;
  /** MAC address; all zeros is the flood entry of a VXLAN device. */
  lladdr: string;
  /** Remote VTEP. */
  destination?: string;
  port?: number;
  vni?: number;
  sourceVni?: number;
  /** Index of the interface that the outer packet leaves through. */
  via?: number;
  nexthopId?: number;
  vlan?: number;
  /** NTF_*: NTF_SELF for the table of the device itself (VXLAN), NTF_MASTER for that of its bridge. */
  flags: number;
  /** NUD_*: NUD_NOARP | NUD_PERMANENT lasts, NUD_NOARP is static, NUD_REACHABLE ages. */
  state: number;
}

/**
 * How an entry is written: `create` is refused with EEXIST where it exists, `replace` takes the place of the one there,
 * `append` adds a further remote to the MAC (VXLAN flood lists).
 */
export type FdbMode = 'create' | 'replace' | 'append';

const MODES: Readonly<Record<FdbMode, number>> = {
  create: netlink.NLM_F_CREATE | netlink.NLM_F_EXCL,
  replace: netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE,
  append: netlink.NLM_F_CREATE | netlink.NLM_F_APPEND,
};

/** Writes a FDB entry; `device` is only for errors. @kernel drivers/net/vxlan/vxlan_core.c vxlan_fdb_add, net/bridge/br_fdb.c */
export const addFdb = (spec: FdbSpec, mode: FdbMode, device: string): Request => fdbRequest(rtnetlink.RTM_NEWNEIGH, MODES[mode], spec, device);

/** Removes a FDB entry: with a destination this remote only, without one all of the MAC. */
export const deleteFdb = (spec: Omit<FdbSpec, 'state'>, device: string): Request => fdbRequest(rtnetlink.RTM_DELNEIGH, 0, { ...spec, state: 0 }, device);

function fdbRequest(type: number, flags: number, spec: FdbSpec, device: string): Request {
  const name = `${MESSAGE_NAMES[type]} ${device} ${spec.lladdr}${spec.destination === undefined ? '' : ` dst ${spec.destination}`}`;
  const { ifindex, lladdr, destination, port, vni, sourceVni, via, nexthopId, vlan } = spec;
  const extra: RawAttribute[] = nexthopId === undefined ? [] : [[nd.NDA_NH_ID, u32(nexthopId)]];
  const attrs = {
    lladdr: macBytes(lladdr),
    ...(destination === undefined ? {} : { dst: ipBytes(destination) }),
    ...(vlan === undefined ? {} : { vlan }),
    ...(port === undefined ? {} : { port: u16be(port) }),
    ...(vni === undefined ? {} : { vni: u32(vni) }),
    ...(via === undefined ? {} : { ifindex: u32(via) }),
    ...(sourceVni === undefined ? {} : { srcVni: u32(sourceVni) }),
  };
  const data = { family: socket.AF_BRIDGE, ifindex, state: { __unknown: spec.state }, flags: { __unknown: spec.flags } };
  return { operation: name, type, flags, body: encode(formatNeighborMessage, { kind: 'neighbor' as const, data, attrs }, extra) };
}

const MESSAGE_NAMES: Readonly<Record<number, string>> = { [rtnetlink.RTM_NEWNEIGH]: 'RTM_NEWNEIGH', [rtnetlink.RTM_DELNEIGH]: 'RTM_DELNEIGH' };

/** A neighbour entry to write. */
export interface NeighbourSpec {
  ifindex: number;
  destination: string;
  lladdr?: string;
  /** NUD_*. @default NUD_PERMANENT */
  state?: number;
  /** NTF_*. */
  flags?: number;
}

/** Writes a neighbour entry in the place of the one there; `device` is only for errors. */
export const replaceNeighbour = (spec: NeighbourSpec, device: string): Request =>
  neighbourRequest(rtnetlink.RTM_NEWNEIGH, netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE, { state: nd.NUD_PERMANENT, ...spec }, device);

/** Removes a neighbour entry. Refused with ENOENT when there is none. */
export const deleteNeighbour = (spec: Pick<NeighbourSpec, 'ifindex' | 'destination' | 'flags'>, device: string): Request =>
  neighbourRequest(rtnetlink.RTM_DELNEIGH, 0, spec, device);

function neighbourRequest(type: number, flags: number, { ifindex, destination, lladdr, state = 0, flags: entryFlags = 0 }: NeighbourSpec, device: string): Request {
  const dst = ipBytes(destination);
  const data = { family: dst.length === 4 ? socket.AF_INET : socket.AF_INET6, ifindex, state: { __unknown: state }, flags: { __unknown: entryFlags } };
  const attrs = { dst, ...(lladdr === undefined ? {} : { lladdr: macBytes(lladdr) }) };
  return { operation: `${MESSAGE_NAMES[type]} ${device} ${destination}`, type, flags, body: encode(formatNeighborMessage, { kind: 'neighbor' as const, data, attrs }) };
}
