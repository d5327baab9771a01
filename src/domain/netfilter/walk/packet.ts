import type { ConntrackState, Family } from '../model.ts';

/**
 * A packet at one point of its way through the node, as the rules see it there.
 *
 * `undefined` always means "not known": a test of such a value answers `unknown`. Addresses are 32-bit words in host
 * order, most significant first, as in the model.
 */
export interface Packet {
  family: Family;
  source: readonly number[] | undefined;
  destination: readonly number[] | undefined;
  /** REDIRECT sent the packet to this node, whose address may not be known. */
  redirected?: true;
  /** Interface names; the empty name where the hook has no such interface (no input at OUTPUT, no output at INPUT). */
  inInterface: string | undefined;
  outInterface: string | undefined;
  /** IPv4 protocol, or the last header of an IPv6 packet. */
  protocol: number;
  header: TransportHeader;
  /** The first and second two bytes after the IP header, whatever they are, where they exist. */
  sourcePort: number | undefined;
  destinationPort: number | undefined;
  icmp: { type: number; code: number } | undefined;
  /** Byte 13 of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  tcpFlags: number | undefined;
  /** IPv6: version, traffic class and flow label, the first word of the header; nf_tables looks at it by mistake. */
  firstWord?: number;
  mark: number | undefined;
  /** Mark of the connection (`connmark`). */
  connectionMark: number | undefined;
  /** The connection's state bits: one of the five states, and SNAT and DNAT where the connection is translated. */
  states: readonly ConntrackState[] | undefined;
}

/** How much of the transport header the packet holds. */
export interface TransportHeader {
  /** In units of 8 bytes; 0 for a whole packet and for the first fragment. */
  fragmentOffset: number;
  /** Bytes after the IP header (and IPv6 extension headers). */
  bytes: number;
  /** IPv6: the last header cannot be found, in a cut-off chain or in a fragment that begins with an extension header. */
  malformed?: true;
}

/** An unfragmented packet with a whole transport header. */
export const WHOLE_HEADER: TransportHeader = { fragmentOffset: 0, bytes: Number.POSITIVE_INFINITY };

/** Protocol numbers that have a meaning of their own here. */
export const Protocol = { ICMP: 1, TCP: 6, UDP: 17, DCCP: 33, ICMPV6: 58, SCTP: 132, UDPLITE: 136 } as const;
