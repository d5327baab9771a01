/** Network interfaces as rtnetlink shows them. */

import { ifLink, rtnetlink, socket } from '../uapi/index.ts';
import { readMac } from './address.ts';
import { align, copyOf, nest, type RawAttribute, readText, u32, walk, cString } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** One interface. Names are those of `ip`; flags are IFF_*, `operstate` is IF_OPER_*, `hardwareType` is ARPHRD_*. */
export interface Link {
  index: number;
  name: string;
  flags: number;
  hardwareType: number;
  mtu: number;
  minMtu: number | undefined;
  /** 0 or undefined where the driver sets no limit. */
  maxMtu: number | undefined;
  operstate: number;
  /** Hardware address with colons; of a tunnel its local address in hexadecimal. */
  address: string | undefined;
  broadcast: string | undefined;
  permanentAddress: string | undefined;
  alias: string | undefined;
  altNames: readonly string[];
  qdisc: string | undefined;
  txQueueLength: number | undefined;
  txQueues: number | undefined;
  rxQueues: number | undefined;
  group: number;
  promiscuity: number;
  carrier: boolean | undefined;
  carrierChanges: number | undefined;
  gsoMaxSize: number | undefined;
  /** Index of the bridge, bond or VRF that it is a port of. */
  master: number | undefined;
  /** Index of the interface below, or of the peer of a veth; in the namespace `lowerNetnsId` when that is set. */
  lower: number | undefined;
  lowerNetnsId: number | undefined;
  /** `vxlan`, `veth`, …; undefined for hardware and loopback. */
  kind: string | undefined;
  /** IFLA_INFO_DATA as the kernel sent it; `decodeKind` reads it. */
  kindData: Buffer | undefined;
  /** Kind of the master, and what this port is to it. */
  portKind: string | undefined;
  portData: Buffer | undefined;
  /** Attached XDP: mode (1 driver, 2 generic, 3 offload, 4 several) and program. */
  xdp: { mode: number; programId: number | undefined } | undefined;
  statistics: LinkStatistics | undefined;
  /** The whole message body with every attribute; only of `getLink`. */
  raw: Buffer | undefined;
}

/** Counters of `struct rtnl_link_stats64`. */
export interface LinkStatistics {
  rxPackets: bigint;
  txPackets: bigint;
  rxBytes: bigint;
  txBytes: bigint;
  rxErrors: bigint;
  txErrors: bigint;
  rxDropped: bigint;
  txDropped: bigint;
  multicast: bigint;
  collisions: bigint;
  rxLengthErrors: bigint;
  rxOverErrors: bigint;
  rxCrcErrors: bigint;
  rxFrameErrors: bigint;
  rxFifoErrors: bigint;
  rxMissedErrors: bigint;
  txAbortedErrors: bigint;
  txCarrierErrors: bigint;
  txFifoErrors: bigint;
  txHeartbeatErrors: bigint;
  txWindowErrors: bigint;
  rxCompressed: bigint;
  txCompressed: bigint;
}

const STATISTICS = [
  'rxPackets', 'txPackets', 'rxBytes', 'txBytes', 'rxErrors', 'txErrors', 'rxDropped', 'txDropped', 'multicast', 'collisions', 'rxLengthErrors',
  'rxOverErrors', 'rxCrcErrors', 'rxFrameErrors', 'rxFifoErrors', 'rxMissedErrors', 'txAbortedErrors', 'txCarrierErrors', 'txFifoErrors',
  'txHeartbeatErrors', 'txWindowErrors', 'rxCompressed', 'txCompressed',
] as const satisfies (keyof LinkStatistics)[];

/** Which interfaces, and how much of each. The kernel does the choosing. */
export interface LinkFilter {
  kind?: string;
  /** Index of a bridge, bond or VRF: its ports only. */
  master?: number;
  /** With counters; without, reading them is spared. */
  statistics?: boolean;
}

/** Length of `struct ifinfomsg`. */
const IFINFOMSG = 16;

/** All interfaces of the socket's namespace, in the kernel's order. */
export function listLinks(netlink: NetlinkSocket, filter: LinkFilter = {}): Dump<Link> {
  const request = { operation: 'RTM_GETLINK', type: rtnetlink.RTM_GETLINK, flags: 0, body: Buffer.concat([Buffer.alloc(IFINFOMSG), nest(filterAttributes(filter))]) };
  const { statistics = false } = filter;
  return netlink.dump(request, (bytes, start, end) => readLink(bytes, start, end, statistics));
}

function filterAttributes({ kind, master, statistics }: LinkFilter): RawAttribute[] {
  const attributes: RawAttribute[] = [];
  // Spares the counters of IPv6; those of the link come all the same.
  if (statistics !== true) attributes.push([ifLink.IFLA_EXT_MASK, u32(rtnetlink.RTEXT_FILTER_SKIP_STATS)]);
  if (master !== undefined) attributes.push([ifLink.IFLA_MASTER, u32(master)]);
  if (kind !== undefined) attributes.push([ifLink.IFLA_LINKINFO, nest([[ifLink.IFLA_INFO_KIND, cString(kind)]])]);
  return attributes;
}

/** Names of all interfaces by index: the quickest way where nothing else is asked. */
export function listLinkNames(netlink: NetlinkSocket): Map<number, string> {
  const names = new Map<number, string>();
  const request = { operation: 'RTM_GETLINK', type: rtnetlink.RTM_GETLINK, flags: 0, body: Buffer.concat([Buffer.alloc(IFINFOMSG), nest(filterAttributes({}))]) };
  netlink.dump(request, (bytes, start, end) => void names.set(bytes.readInt32LE(start + 4), readName(bytes, start, end)));
  return names;
}

/** The name is the first attribute; it is looked for all the same. */
function readName(bytes: Buffer, start: number, end: number): string {
  for (let at = start + IFINFOMSG; at + 4 <= end; at += align(bytes.readUInt16LE(at))) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    if (bytes.readUInt16LE(at + 2) === ifLink.IFLA_IFNAME) return readText(bytes, at + 4, at + length);
  }
  return '';
}

/** One interface by index, or by its name or alternative name, with counters and its raw message. @throws NetlinkError ENODEV */
export function getLink(netlink: NetlinkSocket, reference: number | string): Link {
  const body = netlink.request(getRequest(reference))[0]!;
  return { ...readLink(body, 0, body.length), raw: body };
}

function getRequest(reference: number | string): Request {
  const header = Buffer.alloc(IFINFOMSG);
  header.writeUInt8(socket.AF_UNSPEC, 0);
  if (typeof reference === 'number') header.writeInt32LE(reference, 4);
  const name: RawAttribute[] = typeof reference === 'number' ? [] : [[reference.length < 16 ? ifLink.IFLA_IFNAME : ifLink.IFLA_ALT_IFNAME, cString(reference)]];
  return { operation: `RTM_GETLINK ${reference}`, type: rtnetlink.RTM_GETLINK, flags: 0, body: Buffer.concat([header, nest(name)]) };
}

/** Reads an RTM_NEWLINK or RTM_DELLINK body. */
export function readLink(bytes: Buffer, start: number, end: number, statistics = true): Link {
  const link = newLink(bytes, start);
  walk(bytes, start + IFINFOMSG, end, (type, from, to) => {
    if (type !== ifLink.IFLA_STATS64) readLinkAttribute(link, bytes, type, from, to);
    else if (statistics) link.statistics = readStatistics(bytes, from, to);
  });
  return link;
}

/** Every member is there from the beginning, so that all links have one shape. */
const newLink = (bytes: Buffer, start: number): Link => ({
  index: bytes.readInt32LE(start + 4), name: '', flags: bytes.readUInt32LE(start + 8), hardwareType: bytes.readUInt16LE(start + 2), mtu: 0,
  minMtu: undefined, maxMtu: undefined, operstate: 0, address: undefined, broadcast: undefined, permanentAddress: undefined, alias: undefined,
  altNames: [], qdisc: undefined, txQueueLength: undefined, txQueues: undefined, rxQueues: undefined, group: 0, promiscuity: 0, carrier: undefined,
  carrierChanges: undefined, gsoMaxSize: undefined, master: undefined, lower: undefined, lowerNetnsId: undefined, kind: undefined, kindData: undefined,
  portKind: undefined, portData: undefined, xdp: undefined, statistics: undefined, raw: undefined,
});

function readLinkAttribute(link: Link, bytes: Buffer, type: number, from: number, to: number): void {
  switch (type) {
    case ifLink.IFLA_IFNAME: link.name = readText(bytes, from, to); break;
    case ifLink.IFLA_MTU: link.mtu = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_MIN_MTU: link.minMtu = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_MAX_MTU: link.maxMtu = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_OPERSTATE: link.operstate = bytes[from]!; break;
    case ifLink.IFLA_ADDRESS: link.address = readMac(bytes, from, to); break;
    case ifLink.IFLA_BROADCAST: link.broadcast = readMac(bytes, from, to); break;
    case ifLink.IFLA_PERM_ADDRESS: link.permanentAddress = readMac(bytes, from, to); break;
    case ifLink.IFLA_IFALIAS: link.alias = readText(bytes, from, to); break;
    case ifLink.IFLA_PROP_LIST: link.altNames = readAltNames(bytes, from, to); break;
    case ifLink.IFLA_QDISC: link.qdisc = readText(bytes, from, to); break;
    case ifLink.IFLA_TXQLEN: link.txQueueLength = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_NUM_TX_QUEUES: link.txQueues = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_NUM_RX_QUEUES: link.rxQueues = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_GROUP: link.group = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_PROMISCUITY: link.promiscuity = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_CARRIER: link.carrier = bytes[from] === 1; break;
    case ifLink.IFLA_CARRIER_CHANGES: link.carrierChanges = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_GSO_MAX_SIZE: link.gsoMaxSize = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_MASTER: link.master = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_LINK: link.lower = bytes.readUInt32LE(from); break;
    case ifLink.IFLA_LINK_NETNSID: link.lowerNetnsId = bytes.readInt32LE(from); break;
    case ifLink.IFLA_LINKINFO: walk(bytes, from, to, (inner, start, end) => readLinkInfo(link, bytes, inner, start, end)); break;
    case ifLink.IFLA_XDP: link.xdp = readXdp(bytes, from, to); break;
    default: break;
  }
}

function readLinkInfo(link: Link, bytes: Buffer, type: number, from: number, to: number): void {
  switch (type) {
    case ifLink.IFLA_INFO_KIND: link.kind = readText(bytes, from, to); break;
    case ifLink.IFLA_INFO_DATA: link.kindData = copyOf(bytes, from, to); break;
    case ifLink.IFLA_INFO_SLAVE_KIND: link.portKind = readText(bytes, from, to); break;
    case ifLink.IFLA_INFO_SLAVE_DATA: link.portData = copyOf(bytes, from, to); break;
    default: break;
  }
}

function readAltNames(bytes: Buffer, from: number, to: number): string[] {
  const names: string[] = [];
  walk(bytes, from, to, (type, start, end) => {
    if (type === ifLink.IFLA_ALT_IFNAME) names.push(readText(bytes, start, end));
  });
  return names;
}

function readXdp(bytes: Buffer, from: number, to: number): Link['xdp'] {
  let mode = 0;
  let programId: number | undefined;
  walk(bytes, from, to, (type, start) => {
    if (type === ifLink.IFLA_XDP_ATTACHED) mode = bytes[start]!;
    if (type === ifLink.IFLA_XDP_PROG_ID) programId = bytes.readUInt32LE(start);
  });
  return mode === 0 ? undefined : { mode, programId };
}

/** Younger kernels add counters at the end, older ones have fewer. */
function readStatistics(bytes: Buffer, from: number, to: number): LinkStatistics {
  return Object.fromEntries(STATISTICS.map((name, index) => [name, from + index * 8 + 8 > to ? 0n : bytes.readBigUInt64LE(from + index * 8)])) as unknown as LinkStatistics;
}
