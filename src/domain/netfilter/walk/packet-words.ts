import { UsageError } from '../../../lib/errors.ts';
import { parseEndpoint, type Endpoint } from '../../../lib/packet/endpoint.ts';
import { parseIcmpType, parseTcpFlags, protocolNumber, TCP_FLAGS } from '../../../lib/packet/names.ts';
import type { ConntrackState, Family } from '../model.ts';
import { Protocol, WHOLE_HEADER, type Packet } from './packet.ts';

/** A packet in a user's words, as on the command line. */
export interface PacketWords {
  /** Name (`tcp`, `icmp`) or number. */
  proto: string;
  /** `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
  from: string;
  to: string;
  in?: string | undefined;
  out?: string | undefined;
  /** `VALUE`, decimal or 0x…; default 0. */
  mark?: string | undefined;
  /** One conntrack state, and DNAT or SNAT for a translated connection: `ESTABLISHED,DNAT`. Default NEW. */
  state?: string | undefined;
  /** `TYPE` or `TYPE/CODE`, numbers or `echo-request` and the like; default echo-request. */
  icmpType?: string | undefined;
  /** `SYN,ACK`, `NONE`, `ALL`; default SYN for a new connection and ACK otherwise. */
  tcpFlags?: string | undefined;
  /** A second or further fragment. */
  fragment?: boolean | undefined;
}

/** The packet and what conntrack says of it. */
export interface PacketQuestion {
  packet: Packet;
  states: ConntrackState[];
}

/**
 * Turns a user's words into a packet; what is not said (a source port, an interface) is not known.
 *
 * @throws UsageError naming the word that cannot be understood.
 */
export function readPacket(words: PacketWords): PacketQuestion {
  const from = readEndpoint('--from', words.from);
  const to = readEndpoint('--to', words.to);
  if (from.address.length !== to.address.length) throw new UsageError('--from and --to are addresses of different families');
  const family = from.address.length === 1 ? 'ipv4' : 'ipv6';
  const protocol = readProtocol(words.proto, family);
  if (!hasPorts(protocol) && (from.port ?? to.port) !== undefined) throw new UsageError(`protocol ${words.proto} has no ports`);
  const states = readStates(words.state ?? 'NEW');
  const packet: Packet = {
    family, source: from.address, destination: to.address, inInterface: words.in, outInterface: words.out, protocol,
    header: words.fragment === true ? { fragmentOffset: 185, bytes: 1480 } : WHOLE_HEADER,
    sourcePort: from.port, destinationPort: to.port,
    icmp: isIcmp(protocol) ? readIcmp(words.icmpType ?? 'echo-request', family) : undefined,
    tcpFlags: protocol === Protocol.TCP ? readFlags(words.tcpFlags ?? (states.includes('NEW') ? 'SYN' : 'ACK')) : undefined,
    mark: readMark(words.mark ?? '0'), connectionMark: undefined, states: undefined,
  };
  refuseStray(words, protocol);
  return { packet, states };
}

const hasPorts = (protocol: number): boolean =>
  [Protocol.TCP, Protocol.UDP, Protocol.UDPLITE, Protocol.SCTP, Protocol.DCCP].some((known) => known === protocol);

const isIcmp = (protocol: number): boolean => protocol === Protocol.ICMP || protocol === Protocol.ICMPV6;

function refuseStray(words: PacketWords, protocol: number): void {
  if (words.icmpType !== undefined && !isIcmp(protocol)) throw new UsageError('--icmp-type needs --proto icmp or icmpv6');
  if (words.tcpFlags !== undefined && protocol !== Protocol.TCP) throw new UsageError('--tcp-flags needs --proto tcp');
}

function readEndpoint(flag: string, text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw new UsageError(`${flag} ${text}: not an address; write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT`);
  if ((endpoint.port ?? 0) > 0xffff) throw new UsageError(`${flag} ${text}: ports end at 65535`);
  return endpoint;
}

function readProtocol(text: string, family: Family): number {
  const name = text.toLowerCase();
  if (family === 'ipv6' && name === 'icmp') return Protocol.ICMPV6;
  const number = protocolNumber(name);
  if (number === undefined || number === 0) throw new UsageError(`--proto ${text}: unknown protocol; write tcp, udp, icmp, sctp … or a number from 1 to 255`);
  return number;
}

const STATES: readonly ConntrackState[] = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED'];
const TRANSLATIONS: readonly ConntrackState[] = ['SNAT', 'DNAT'];

function readStates(text: string): ConntrackState[] {
  const words = text.toUpperCase().split(',');
  const states = STATES.filter((state) => words.includes(state));
  const translations = TRANSLATIONS.filter((state) => words.includes(state));
  if (states.length !== 1 || states.length + translations.length !== words.length) {
    throw new UsageError(`--state ${text}: write one of ${STATES.join(', ')}, and ,DNAT or ,SNAT for a translated connection`);
  }
  return [...states, ...translations];
}

function readFlags(text: string): number {
  const flags = parseTcpFlags(text);
  if (flags !== undefined) return flags;
  const unknown = text.toUpperCase().split(',').find((name) => parseTcpFlags(name) === undefined);
  throw new UsageError(`--tcp-flags ${text}: unknown flag ${unknown}; write NONE, ALL, ${Object.keys(TCP_FLAGS).join(', ')}`);
}

function readIcmp(text: string, family: Family): { type: number; code: number } {
  const icmp = parseIcmpType(text, family);
  if (icmp === undefined) throw new UsageError(`--icmp-type ${text}: write TYPE, TYPE/CODE or a name such as echo-request`);
  return icmp;
}

function readMark(text: string): number {
  const mark = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
  if (!(mark <= 0xffff_ffff)) throw new UsageError(`--mark ${text}: write a number from 0 to 0xffffffff`);
  return mark;
}
