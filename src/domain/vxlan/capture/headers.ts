/** Frames to headers: the outer packet of a tunnel, VXLAN, and the frame inside. */

import type { Buffer } from 'node:buffer';

/** What is known of one packet's headers. Addresses are 32-bit words as in `lib/ip.ts`. */
export interface Headers {
  /** `02:00:00:00:00:01`; absent where the packet begins with the network's header. */
  sourceMac?: string;
  destinationMac?: string;
  /** EtherType behind VLAN tags: 0x0800, 0x86dd, 0x0806 … */
  etherType: number;
  /** Of IP, or sender and target of ARP. */
  source?: number[];
  destination?: number[];
  /** IP protocol: behind extension headers for IPv6. */
  protocol?: number;
  /** A fragment after the first: what follows is no transport header. */
  fragment?: true;
  sourcePort?: number;
  destinationPort?: number;
  tcpFlags?: number;
  icmp?: { type: number; code: number };
  /** Operation of ARP: 1 request, 2 reply. */
  arp?: number;
  /** Where what IP carries begins, from the start of the bytes. */
  payload: number;
}

/** One encapsulated frame. */
export interface TunnelPacket {
  outer: Headers;
  vni: number;
  /** The group policy id, where the header has one (draft-smith-vxlan-group-policy). */
  groupPolicy?: number;
  inner: Headers;
}

const ETHERNET = 14;
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8];
export const EtherType = { IPV4: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const;
export const IpProtocol = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58, SCTP: 132 } as const;
const UDP_HEADER = 8;
const VXLAN_HEADER = 8;
/** Flag bits of the header's first byte. */
const FLAG_GROUP_POLICY = 0x80;

/** Reads a captured packet; undefined where too little of it is there. `linkHeader` says that it begins with Ethernet. */
export function readTunnelPacket(bytes: Buffer, { linkHeader }: { linkHeader: boolean }): TunnelPacket | undefined {
  const outer = linkHeader ? readFrame(bytes, 0) : readNetwork(bytes, 0, (bytes[0] ?? 0) >> 4 === 6 ? EtherType.IPV6 : EtherType.IPV4);
  const at = outer.payload + UDP_HEADER;
  if (outer.protocol !== IpProtocol.UDP || bytes.length < at + VXLAN_HEADER) return undefined;
  return {
    outer,
    vni: bytes.readUIntBE(at + 4, 3),
    ...((bytes[at]! & FLAG_GROUP_POLICY) === 0 ? {} : { groupPolicy: bytes.readUInt16BE(at + 2) }),
    inner: readFrame(bytes, at + VXLAN_HEADER),
  };
}

/** The headers of the Ethernet frame at an offset, as far as the bytes reach. */
export function readFrame(bytes: Buffer, at: number): Headers {
  if (bytes.length < at + ETHERNET) return { etherType: 0, payload: bytes.length };
  let type = bytes.readUInt16BE(at + 12);
  let next = at + ETHERNET;
  while (VLAN_TAGS.includes(type) && bytes.length >= next + 4) {
    type = bytes.readUInt16BE(next + 2);
    next += 4;
  }
  return { destinationMac: mac(bytes, at), sourceMac: mac(bytes, at + 6), ...readNetwork(bytes, next, type) };
}

function readNetwork(bytes: Buffer, at: number, etherType: number): Headers {
  if (etherType === EtherType.IPV4 && bytes.length >= at + 20) return readIpv4(bytes, at);
  if (etherType === EtherType.IPV6 && bytes.length >= at + 40) return readIpv6(bytes, at);
  if (etherType === EtherType.ARP && bytes.length >= at + 28) {
    return { etherType, arp: bytes.readUInt16BE(at + 6), source: [bytes.readUInt32BE(at + 14)], destination: [bytes.readUInt32BE(at + 24)], payload: at + 28 };
  }
  return { etherType, payload: at };
}

function readIpv4(bytes: Buffer, at: number): Headers {
  const isFragment = (bytes.readUInt16BE(at + 6) & 0x1fff) !== 0;
  const payload = at + (bytes[at]! & 15) * 4;
  const protocol = bytes[at + 9]!;
  return {
    etherType: EtherType.IPV4, source: [bytes.readUInt32BE(at + 12)], destination: [bytes.readUInt32BE(at + 16)], protocol, payload,
    ...(isFragment ? { fragment: true as const } : readTransport(bytes, payload, protocol)),
  };
}

/** Extension headers that say how long they are in units of 8 bytes: hop-by-hop, routing, destination options. */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const FRAGMENT_HEADER = 44;

function readIpv6(bytes: Buffer, at: number): Headers {
  const words = (from: number): number[] => [0, 4, 8, 12].map((offset) => bytes.readUInt32BE(from + offset));
  const { protocol, payload, isFragment } = skipExtensions(bytes, at + 40, bytes[at + 6]!);
  return {
    etherType: EtherType.IPV6, source: words(at + 8), destination: words(at + 24), protocol, payload,
    ...(isFragment ? { fragment: true as const } : readTransport(bytes, payload, protocol)),
  };
}

function skipExtensions(bytes: Buffer, start: number, first: number): { protocol: number; payload: number; isFragment: boolean } {
  let [at, protocol] = [start, first];
  while ((EXTENSIONS.includes(protocol) || protocol === FRAGMENT_HEADER) && bytes.length >= at + 8) {
    if (protocol === FRAGMENT_HEADER && bytes.readUInt16BE(at + 2) >> 3 !== 0) return { protocol: bytes[at]!, payload: at + 8, isFragment: true };
    const length = protocol === FRAGMENT_HEADER ? 8 : 8 + bytes[at + 1]! * 8;
    [at, protocol] = [at + length, bytes[at]!];
  }
  return { protocol, payload: at, isFragment: false };
}

const HAS_PORTS: readonly number[] = [IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP];

function readTransport(bytes: Buffer, at: number, protocol: number): Partial<Headers> {
  if ((protocol === IpProtocol.ICMP || protocol === IpProtocol.ICMPV6) && bytes.length >= at + 2) return { icmp: { type: bytes[at]!, code: bytes[at + 1]! } };
  if (!HAS_PORTS.includes(protocol) || bytes.length < at + 4) return {};
  const flags = protocol === IpProtocol.TCP && bytes.length >= at + 14 ? { tcpFlags: bytes[at + 13]! } : {};
  return { sourcePort: bytes.readUInt16BE(at), destinationPort: bytes.readUInt16BE(at + 2), ...flags };
}

const mac = (bytes: Buffer, at: number): string => bytes.toString('hex', at, at + 6).replace(/..(?!$)/g, '$&:');
