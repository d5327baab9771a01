/** Packets as bytes and as what the rules see of them: both come from one description, for differential tests. */

import { parseAddress } from '../../src/lib/ip.ts';
import { ipPacket } from '../../src/lib/packet/headers.ts';
import { Protocol, type Packet } from '../../src/domain/netfilter/index.ts';

export interface FrameSpec {
  source: string;
  destination: string;
  /** Time to live, or hop limit: the laboratory tells packets apart by it. */
  ttl: number;
  protocol: number;
  sourcePort?: number;
  destinationPort?: number;
  tcpFlags?: number;
  icmp?: { type: number; code: number };
  /** In units of 8 bytes. */
  fragmentOffset?: number;
  moreFragments?: boolean;
  /** Cuts what follows the IP header to so many bytes. */
  bytes?: number;
  /** IPv6: a hop-by-hop header in front of the transport header. */
  hopByHop?: boolean;
  /** Set in mangle PREROUTING by the laboratory. */
  mark?: number;
  inInterface: string;
  outInterface: string;
}

/** The packet in the eyes of the rules, without connection tracking. */
export function toPacket(spec: FrameSpec): Packet {
  const body = transport(spec);
  const isTcp = spec.protocol === Protocol.TCP;
  const isIcmp = spec.icmp !== undefined;
  return {
    family: familyOf(spec), source: parseAddress(spec.source), destination: parseAddress(spec.destination),
    inInterface: spec.inInterface, outInterface: spec.outInterface, protocol: spec.protocol,
    header: { fragmentOffset: spec.fragmentOffset ?? 0, bytes: body.length, ...(isMalformed(spec) ? { malformed: true } : {}) },
    ...(familyOf(spec) === 'ipv6' ? { firstWord: FIRST_WORD } : {}),
    sourcePort: body.length >= 2 ? body.readUInt16BE(0) : undefined,
    destinationPort: body.length >= 4 ? body.readUInt16BE(2) : undefined,
    icmp: isIcmp && body.length >= 2 ? { type: body[0]!, code: body[1]! } : undefined,
    tcpFlags: isTcp && body.length >= 14 ? body[13]! : undefined,
    mark: spec.mark ?? 0, connectionMark: undefined, states: ['INVALID'],
  };
}

/** The Ethernet frame. */
export function toFrame(spec: FrameSpec, destinationMac: string, sourceMac: string): Buffer {
  const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
  const type = familyOf(spec) === 'ipv4' ? 0x0800 : 0x86dd;
  return Buffer.concat([mac(destinationMac), mac(sourceMac), Buffer.from([type >> 8, type & 255]), familyOf(spec) === 'ipv4' ? ipv4(spec) : ipv6(spec)]);
}

/** Version 6, traffic class 0x12, flow label 0x3000f. */
const FIRST_WORD = 0x6123_000f;

/** The next-header values that IPv6 takes for extension headers; these specs never have a whole one. */
const EXTENSION_HEADERS = [0, 43, 44, 51, 60];

function isMalformed(spec: FrameSpec): boolean {
  return familyOf(spec) === 'ipv6' && EXTENSION_HEADERS.includes(spec.protocol);
}

const familyOf = ({ source }: FrameSpec): 'ipv4' | 'ipv6' => (source.includes(':') ? 'ipv6' : 'ipv4');

function ipv4(spec: FrameSpec): Buffer {
  return ipPacket({
    source: parseAddress(spec.source)!, destination: parseAddress(spec.destination)!, protocol: spec.protocol, ttl: spec.ttl, id: spec.ttl,
    fragment: { offset: spec.fragmentOffset ?? 0, more: spec.moreFragments === true },
  }, transport(spec));
}

function ipv6(spec: FrameSpec): Buffer {
  const extensions: { type: number; bytes: (next: number) => Buffer }[] = [];
  if (spec.hopByHop === true) extensions.push({ type: 0, bytes: (next) => Buffer.from([next, 0, 1, 4, 0, 0, 0, 0]) });
  if (spec.fragmentOffset !== undefined || spec.moreFragments === true) {
    const field = ((spec.fragmentOffset ?? 0) << 3) | (spec.moreFragments === true ? 1 : 0);
    extensions.push({ type: 44, bytes: (next) => Buffer.from([next, 0, field >> 8, field & 255, 0, 0, 0, spec.ttl]) });
  }
  const types = [...extensions.map(({ type }) => type), spec.protocol];
  const payload = Buffer.concat([...extensions.map(({ bytes }, index) => bytes(types[index + 1]!)), transport(spec)]);
  const header = Buffer.alloc(40);
  header.writeUInt32BE(FIRST_WORD, 0);
  header.writeUInt16BE(payload.length, 4);
  header[6] = types[0]!;
  header[7] = spec.ttl;
  [...parseAddress(spec.source)!, ...parseAddress(spec.destination)!].forEach((word, index) => header.writeUInt32BE(word, 8 + 4 * index));
  return Buffer.concat([header, payload]);
}

/** What follows the IP header; checksums are left zero, which the rules do not look at. */
function transport(spec: FrameSpec): Buffer {
  const body = Buffer.alloc(spec.protocol === Protocol.TCP ? 20 : 16);
  if (spec.icmp === undefined) {
    body.writeUInt16BE(spec.sourcePort ?? 0, 0);
    body.writeUInt16BE(spec.destinationPort ?? 0, 2);
  } else {
    body[0] = spec.icmp.type;
    body[1] = spec.icmp.code;
  }
  if (spec.protocol === Protocol.TCP) {
    body[12] = 0x50;
    body[13] = spec.tcpFlags ?? 0;
  }
  if (spec.protocol === Protocol.UDP) body.writeUInt16BE(16, 4);
  return body.subarray(0, spec.bytes ?? body.length);
}
