/** ICMP messages of path probes, as bytes. All numbers on the wire are big endian. @rfc 792, 1191, 4443 */

import { formatAddress } from '../../../lib/ip.ts';
import { internetChecksum } from '../../../lib/packet/checksum.ts';
import type { Family } from '../header.ts';

/** What a probe was, so that its answers can be told from others'. */
export interface ProbeMark {
  family: Family;
  /** Address that is probed, 4 or 16 bytes. */
  target: Buffer;
  /** Identifier of our echo requests, and destination port of our UDP probes. */
  mark: number;
}

/** What came back for a probe. `size` is that of the whole IP packet, or for an echo reply its sequence number. */
export type Answer =
  | { kind: 'echo'; sequence: number }
  | { kind: 'port-unreachable'; size: number; from: string }
  | { kind: 'too-big'; size: number; mtu: number; from: string }
  | { kind: 'unreachable'; size: number; code: number; from: string };

const ECHO_BYTES = 8;
const UDP_PROTOCOL = 17;

/** Types and codes where the families differ. */
const TYPES = {
  ipv4: { echo: 8, reply: 0, unreachable: 3, portCode: 3, header: 20, protocol: 1 },
  ipv6: { echo: 128, reply: 129, unreachable: 1, portCode: 4, header: 40, protocol: 58 },
} as const;
const FRAG_NEEDED_CODE = 4;
const PACKET_TOO_BIG = 2;

/** Bytes of the IP header that the kernel puts in front of a probe. */
export const ipHeaderBytes = (family: Family): number => TYPES[family].header;

/** The smallest probe: an IP header and an echo header without data. */
export const leastProbe = (family: Family): number => TYPES[family].header + ECHO_BYTES;

/** An echo request that makes an IP packet of `size` bytes. The checksum of ICMPv6 is left to the kernel, which needs its pseudo header. */
export function echoRequest({ family, mark }: ProbeMark, sequence: number, size: number): Buffer {
  const message = Buffer.alloc(size - TYPES[family].header);
  message.writeUInt8(TYPES[family].echo, 0);
  message.writeUInt16BE(mark, 4);
  message.writeUInt16BE(sequence, 6);
  if (family === 'ipv4') message.writeUInt16BE(internetChecksum(message), 2);
  return message;
}

/** Data of a UDP probe that makes an IP packet of `size` bytes. */
export const udpData = (family: Family, size: number): Buffer => Buffer.alloc(size - TYPES[family].header - 8);

/**
 * Reads what a raw ICMP socket received.
 *
 * @param packet for IPv4 with the IP header, for IPv6 from the ICMP header on, as the kernel gives them.
 * @param from address of the sender.
 * @returns undefined for anything that no probe of this mark caused.
 */
export function readAnswer(mark: ProbeMark, packet: Buffer, from: Buffer): Answer | undefined {
  const { reply, unreachable } = TYPES[mark.family];
  const message = mark.family === 'ipv4' ? packet.subarray(((packet[0] ?? 0) & 15) * 4) : packet;
  if (message.length < ECHO_BYTES) return undefined;
  const type = message.readUInt8(0);
  if (type === reply) return message.readUInt16BE(4) === mark.mark ? { kind: 'echo', sequence: message.readUInt16BE(6) } : undefined;
  const size = sizeOfQuoted(mark, message.subarray(ECHO_BYTES));
  if (size === undefined) return undefined;
  const sender = formatAddress(wordsOf(from));
  const code = message.readUInt8(1);
  if (mark.family === 'ipv6' && type === PACKET_TOO_BIG) return { kind: 'too-big', size, mtu: message.readUInt32BE(4), from: sender };
  if (type !== unreachable) return undefined;
  if (mark.family === 'ipv4' && code === FRAG_NEEDED_CODE) return { kind: 'too-big', size, mtu: message.readUInt16BE(6), from: sender };
  return code === TYPES[mark.family].portCode ? { kind: 'port-unreachable', size, from: sender } : { kind: 'unreachable', size, code, from: sender };
}

/** Size of the packet that an error message quotes, when it is a probe of ours. */
function sizeOfQuoted(mark: ProbeMark, quoted: Buffer): number | undefined {
  const four = mark.family === 'ipv4';
  const header = four ? ((quoted[0] ?? 0) & 15) * 4 : 40;
  if (header < TYPES[mark.family].header || quoted.length < header + 8) return undefined;
  const target = four ? quoted.subarray(16, 20) : quoted.subarray(24, 40);
  if (!target.equals(mark.target)) return undefined;
  const protocol = quoted.readUInt8(four ? 9 : 6);
  // UDP has its destination port after the source port, an echo request its identifier after type, code and checksum.
  const at = protocol === UDP_PROTOCOL ? header + 2 : protocol === TYPES[mark.family].protocol ? header + 4 : undefined;
  if (at === undefined || quoted.readUInt16BE(at) !== mark.mark) return undefined;
  return four ? quoted.readUInt16BE(2) : quoted.readUInt16BE(4) + 40;
}

const wordsOf = (bytes: Buffer): number[] => Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32BE(i * 4));
