/**
 * Keys to packets: the bytes, from the IP header on, of a packet that the engine reads as the given key.
 *
 * State, interfaces and mark are not in a packet; they are the environment in which it is sent.
 */

import { Field, L4, addressWords } from '../../classifier/index.ts';
import type { Family } from '../../netfilter/index.ts';
import { icmpMessage, ipPacket, portsBytes, tcpSegment, udpDatagram, type IpHeader, type Ports } from '../../../lib/packet/headers.ts';

/** One value for every field word. */
export type Key = readonly number[];

const TCP = 6;
const ICMP = 1;
const ICMPV6 = 58;
const UDP = 17;
const UDPLITE = 136;
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
  return portsBytes(portsOf(key), length);
}

const portsOf = (key: Key): Ports => ({ sourcePort: key[Field.SPORT]!, destinationPort: key[Field.DPORT]! });

/** A header of its whole length and four bytes of data. */
function completeHeader(family: Family, key: Key, length: number): Buffer {
  const ip = ipHeader(family, key);
  const data = Buffer.alloc(4);
  switch (ip.protocol) {
    case ICMP:
    case ICMPV6:
      return icmpMessage(ip, { type: key[Field.ICMP]! >>> 8, code: key[Field.ICMP]! & 255 }, Buffer.alloc(length));
    case TCP:
      return tcpSegment(ip, { ...portsOf(key), flags: key[Field.FLAGS]! }, data);
    case UDP:
    case UDPLITE:
      return udpDatagram(ip, portsOf(key), data);
    default:
      return portsOnly(key, length + 4);
  }
}

function craftIpv4(key: Key, transport: Buffer, tos: number): Buffer {
  const offset = key[Field.L4] === L4.FRAGMENT ? 185 : key[Field.L4] === L4.TCP_FRAGMENT_1 ? 1 : 0;
  const id = 1 + (key[Field.SPORT]! ^ key[Field.DPORT]!) % 65_000;
  return ipPacket({ ...ipHeader('ipv4', key), tos, id, fragment: { offset, more: false } }, transport);
}

function craftIpv6(key: Key, transport: Buffer, tos: number): Buffer | undefined {
  const header = { ...ipHeader('ipv6', key), tos };
  if (IPV6_EXTENSIONS.has(header.protocol)) return undefined;
  return ipPacket(key[Field.L4] === L4.FRAGMENT ? { ...header, id: 1 + key[Field.SPORT]!, fragment: { offset: 185, more: false } } : header, transport);
}

function ipHeader(family: Family, key: Key): IpHeader {
  const words = addressWords(family);
  return { source: key.slice(Field.SRC, Field.SRC + words), destination: key.slice(Field.DST, Field.DST + words), protocol: key[Field.PROTO]! };
}
