/** Packets as bytes, header by header, with right checksums. Addresses are 32-bit words in host order, one or four. */

import { crc32c, internetChecksum, pseudoHeader } from './checksum.ts';

/** An IP header; what is absent has the value that a sender would choose. */
export interface IpHeader {
  source: readonly number[];
  destination: readonly number[];
  protocol: number;
  /** TOS byte or traffic class. @default 0 */
  tos?: number;
  /** Time to live or hop limit. @default 64 */
  ttl?: number;
  /** Identification, which for IPv6 only a fragment has. @default 1 */
  id?: number;
  /** Makes it a fragment; `offset` in units of 8 bytes. */
  fragment?: { offset: number; more: boolean };
}

/** Ports, also of protocols that have nothing else in front. */
export interface Ports {
  sourcePort: number;
  destinationPort: number;
}

const IPV6_FRAGMENT = 44;

/** An IP packet around what follows its header. */
export const ipPacket = (header: IpHeader, body: Buffer): Buffer => (header.source.length === 1 ? ipv4Packet(header, body) : ipv6Packet(header, body));

function ipv4Packet({ source, destination, protocol, tos = 0, ttl = 64, id = 1, fragment }: IpHeader, body: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = tos;
  header.writeUInt16BE(20 + body.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE((fragment?.more === true ? 0x2000 : 0) | (fragment?.offset ?? 0), 6);
  header[8] = ttl;
  header[9] = protocol;
  header.writeUInt32BE(source[0]!, 12);
  header.writeUInt32BE(destination[0]!, 16);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, body]);
}

function ipv6Packet({ source, destination, protocol, tos = 0, ttl = 64, id = 1, fragment }: IpHeader, body: Buffer): Buffer {
  const header = Buffer.alloc(fragment === undefined ? 40 : 48);
  header.writeUInt16BE(0x6000 | (tos << 4), 0);
  header.writeUInt16BE(body.length + header.length - 40, 4);
  header[6] = fragment === undefined ? protocol : IPV6_FRAGMENT;
  header[7] = ttl;
  [...source, ...destination].forEach((word, i) => header.writeUInt32BE(word, 8 + i * 4));
  if (fragment !== undefined) {
    header[40] = protocol;
    header.writeUInt16BE((fragment.offset << 3) | (fragment.more ? 1 : 0), 42);
    header.writeUInt32BE(id, 44);
  }
  return Buffer.concat([header, body]);
}

/** A TCP segment inside `ip`. */
export function tcpSegment(ip: IpHeader, tcp: Ports & { flags: number; sequence?: number; acknowledgment?: number; window?: number }, data: Buffer): Buffer {
  const bytes = Buffer.concat([portsBytes(tcp, 20), data]);
  bytes.writeUInt32BE(tcp.sequence ?? 0, 4);
  bytes.writeUInt32BE(tcp.acknowledgment ?? 0, 8);
  bytes[12] = 5 << 4;
  bytes[13] = tcp.flags;
  bytes.writeUInt16BE(tcp.window ?? 0xffff, 14);
  bytes.writeUInt16BE(transportChecksum(ip, bytes), 16);
  return bytes;
}

/** A UDP or UDP-Lite datagram inside `ip`. */
export function udpDatagram(ip: IpHeader, ports: Ports, data: Buffer): Buffer {
  const bytes = Buffer.concat([portsBytes(ports, 8), data]);
  bytes.writeUInt16BE(bytes.length, 4);
  // 0 would mean that there is none.
  bytes.writeUInt16BE(transportChecksum(ip, bytes) || 0xffff, 6);
  return bytes;
}

/** An ICMP or ICMPv6 message inside `ip`; an echo's identifier and sequence number are the first four bytes of `rest`. */
export function icmpMessage(ip: IpHeader, { type, code }: { type: number; code: number }, rest: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from([type, code, 0, 0]), rest]);
  bytes.writeUInt16BE(ip.source.length === 1 ? internetChecksum(bytes) : transportChecksum(ip, bytes), 2);
  return bytes;
}

/** An SCTP packet with one chunk. */
export function sctpPacket(ports: Ports, tag: number, chunk: Buffer): Buffer {
  const bytes = Buffer.concat([portsBytes(ports, 12), chunk]);
  bytes.writeUInt32BE(tag, 4);
  bytes.writeUInt32LE(crc32c(bytes), 8);
  return bytes;
}

/** Zeros, with ports in front. */
export function portsBytes({ sourcePort, destinationPort }: Ports, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(sourcePort, 0);
  bytes.writeUInt16BE(destinationPort, 2);
  return bytes;
}

const transportChecksum = ({ source, destination, protocol }: IpHeader, bytes: Buffer): number =>
  internetChecksum(pseudoHeader(source, destination, protocol, bytes.length), bytes);
