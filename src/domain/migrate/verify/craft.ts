/**
 * Keys to packets: the bytes, from the IP header on, of a packet that the engine reads as the given key.
 *
 * State, interfaces and mark are not in a packet; they are the environment in which it is sent.
 */

import { Field, L4, addressWords } from '../../classifier/index.ts';
import type { Family } from '../../netfilter/index.ts';

/** One value for every field word. */
export type Key = readonly number[];

const TCP = 6;
const ICMP = 1;
const ICMPV6 = 58;
/** Lengths of transport headers whose first bytes sluice reads; others carry 8 bytes of payload. */
const HEADER_LENGTH: Readonly<Record<number, number>> = { 1: 8, 6: 20, 17: 8, 33: 12, 58: 8, 132: 12, 136: 8 };
const IPV6_EXTENSIONS = new Set([0, 43, 44, 51, 60]);

/**
 * Builds the packet, or undefined where no packet has that key (an ICMP type on a TCP packet, say, is simply not read).
 *
 * Checksums of IPv4, TCP, UDP and ICMP are right, so that the stack lets the packet through to the hook. `trafficClass` is
 * the TOS byte, which no rule tests, so it can steer routing.
 */
export function craftPacket(family: Family, key: Key, trafficClass = 0): Buffer | undefined {
  const transport = craftTransport(family, key);
  if (transport === undefined) return undefined;
  return family === 'ipv4' ? craftIpv4(key, transport, trafficClass) : craftIpv6(key, transport, trafficClass);
}

/** The key as the engine will read it back: fields that the packet does not carry become 0. */
export function readableKey(family: Family, key: Key): number[] {
  const read = [...key];
  const proto = key[Field.PROTO]!;
  const complete = key[Field.L4] === L4.COMPLETE;
  const icmp = proto === ICMP || proto === ICMPV6;
  if (!(complete && proto === TCP)) read[Field.FLAGS] = 0;
  if (complete && icmp) {
    read[Field.SPORT] = key[Field.ICMP]!;
    read[Field.DPORT] = 0;
  } else read[Field.ICMP] = 0;
  if (key[Field.L4]! >= L4.MALFORMED || key[Field.L4] === L4.SHORT) {
    read[Field.SPORT] = 0;
    read[Field.DPORT] = 0;
  }
  for (let word = addressWords(family); word < 4; word++) {
    read[Field.SRC + word] = 0;
    read[Field.DST + word] = 0;
  }
  return read;
}

function craftTransport(family: Family, key: Key): Buffer | undefined {
  const proto = key[Field.PROTO]!;
  const full = HEADER_LENGTH[proto] ?? 8;
  switch (key[Field.L4]) {
    case L4.COMPLETE:
      return completeHeader(family, key, full);
    case L4.PARTIAL:
      return full > 4 && HEADER_LENGTH[proto] !== undefined ? portsOnly(key, 4) : undefined;
    case L4.SHORT:
      return HEADER_LENGTH[proto] === undefined ? undefined : Buffer.alloc(2);
    case L4.FRAGMENT:
      return portsOnly(key, 24);
    case L4.TCP_FRAGMENT_1:
      return family === 'ipv4' && proto === TCP ? portsOnly(key, 24) : undefined;
    default:
      return undefined;
  }
}

function portsOnly(key: Key, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(key[Field.SPORT]!, 0);
  bytes.writeUInt16BE(key[Field.DPORT]!, 2);
  return bytes;
}

function completeHeader(family: Family, key: Key, length: number): Buffer {
  const proto = key[Field.PROTO]!;
  const bytes = portsOnly(key, length + 4);
  if (proto === ICMP || proto === ICMPV6) {
    bytes.writeUInt16BE(key[Field.ICMP]!, 0);
    bytes.writeUInt16BE(0, 2);
    bytes.writeUInt16BE(checksum(proto === ICMP ? [bytes] : [pseudoHeader(family, key, bytes.length), bytes]), 2);
    return bytes;
  }
  if (proto === TCP) {
    bytes[12] = 5 << 4;
    bytes[13] = key[Field.FLAGS]!;
    bytes.writeUInt16BE(0xffff, 14);
    bytes.writeUInt16BE(checksum([pseudoHeader(family, key, bytes.length), bytes]), 16);
  }
  if (proto === 17 || proto === 136) {
    bytes.writeUInt16BE(bytes.length, 4);
    bytes.writeUInt16BE(checksum([pseudoHeader(family, key, bytes.length), bytes]) || 0xffff, 6);
  }
  return bytes;
}

function craftIpv4(key: Key, transport: Buffer, trafficClass: number): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = trafficClass;
  header.writeUInt16BE(20 + transport.length, 2);
  header.writeUInt16BE(1 + (key[Field.SPORT]! ^ key[Field.DPORT]!) % 65_000, 4);
  const fragment = key[Field.L4] === L4.FRAGMENT ? 185 : key[Field.L4] === L4.TCP_FRAGMENT_1 ? 1 : 0;
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = key[Field.PROTO]!;
  header.writeUInt32BE(key[Field.SRC]!, 12);
  header.writeUInt32BE(key[Field.DST]!, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return Buffer.concat([header, transport]);
}

function craftIpv6(key: Key, transport: Buffer, trafficClass: number): Buffer | undefined {
  const proto = key[Field.PROTO]!;
  if (IPV6_EXTENSIONS.has(proto)) return undefined;
  const fragment = key[Field.L4] === L4.FRAGMENT;
  const header = Buffer.alloc(fragment ? 48 : 40);
  header.writeUInt16BE(0x6000 | (trafficClass << 4), 0);
  header.writeUInt16BE(transport.length + (fragment ? 8 : 0), 4);
  header[6] = fragment ? 44 : proto;
  header[7] = 64;
  writeAddress(header, 8, key, Field.SRC);
  writeAddress(header, 24, key, Field.DST);
  if (fragment) {
    header[40] = proto;
    header.writeUInt16BE(185 << 3, 42);
    header.writeUInt32BE(1 + key[Field.SPORT]!, 44);
  }
  return Buffer.concat([header, transport]);
}

function writeAddress(bytes: Buffer, at: number, key: Key, field: number): void {
  for (let word = 0; word < 4; word++) bytes.writeUInt32BE(key[field + word]!, at + word * 4);
}

/** RFC 793 §3.1 and RFC 8200 §8.1. */
function pseudoHeader(family: Family, key: Key, length: number): Buffer {
  const words = addressWords(family);
  const bytes = Buffer.alloc(words * 8 + 8);
  for (let word = 0; word < words; word++) {
    bytes.writeUInt32BE(key[Field.SRC + word]!, word * 4);
    bytes.writeUInt32BE(key[Field.DST + word]!, (words + word) * 4);
  }
  bytes.writeUInt32BE(length, words * 8);
  bytes.writeUInt32BE(key[Field.PROTO]!, words * 8 + 4);
  return bytes;
}

/** RFC 1071. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += part.readUInt16BE(i);
    if (part.length % 2 === 1) sum += part[part.length - 1]! << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return ~sum & 0xffff;
}
