/** A captured packet as one line: outer addresses, VNI, then what is inside. */

import { formatAddress } from '../../../lib/ip.ts';
import { EtherType, IpProtocol, type Headers, type TunnelPacket } from './headers.ts';

/** `10.0.0.1 > 10.0.0.2 vni 42 | 10.244.1.5:80 > 10.244.2.8:51000 tcp SA` */
export function formatPacket({ outer, vni, groupPolicy, inner }: TunnelPacket): string {
  const policy = groupPolicy === undefined ? '' : ` policy ${groupPolicy}`;
  return `${address(outer.source)} > ${address(outer.destination)} vni ${vni}${policy} | ${formatInner(inner)}`;
}

/** The inner packet's half of the line. */
export function formatInner(headers: Headers): string {
  if (headers.arp !== undefined) return formatArp(headers);
  if (headers.source === undefined) return formatFrame(headers);
  const [from, to] = [endpoint(headers.source, headers.sourcePort), endpoint(headers.destination, headers.destinationPort)];
  return [`${from} > ${to}`, protocolName(headers.protocol), ...details(headers)].join(' ');
}

const formatArp = ({ arp, source, destination }: Headers): string =>
  arp === 1 ? `arp who-has ${address(destination)} tell ${address(source)}` : `arp reply ${address(source)} to ${address(destination)}`;

function formatFrame({ sourceMac, destinationMac, etherType }: Headers): string {
  if (sourceMac === undefined) return 'cut off';
  return `${sourceMac} > ${destinationMac} ethertype 0x${etherType.toString(16).padStart(4, '0')}`;
}

const address = (words: readonly number[] | undefined): string => (words === undefined ? '?' : formatAddress(words));

function endpoint(words: readonly number[] | undefined, port: number | undefined): string {
  const text = address(words);
  if (port === undefined) return text;
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 2: 'igmp', 6: 'tcp', 17: 'udp', 47: 'gre', 50: 'esp', 58: 'icmp6', 89: 'ospf', 132: 'sctp' };

/** The name in a line and in JSON; `proto N` for one without. */
export const protocolName = (protocol: number | undefined): string => (protocol === undefined ? '?' : NAMES[protocol] ?? `proto ${protocol}`);

/** As tcpdump writes them, without its dot for ACK. */
const TCP_FLAGS = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'] as const;
const ICMP_TYPES: Readonly<Record<number, string>> = { 0: 'echo-reply', 3: 'unreachable', 5: 'redirect', 8: 'echo-request', 11: 'time-exceeded' };
const ICMPV6_TYPES: Readonly<Record<number, string>> = {
  1: 'unreachable', 2: 'packet-too-big', 3: 'time-exceeded', 128: 'echo-request', 129: 'echo-reply', 133: 'router-solicitation', 134: 'router-advertisement',
  135: 'neighbour-solicitation', 136: 'neighbour-advertisement', 143: 'mld-report',
};

function details({ tcpFlags, icmp, protocol, fragment, etherType }: Headers): string[] {
  if (fragment === true) return ['fragment'];
  if (tcpFlags !== undefined) return [formatFlags(tcpFlags)];
  if (icmp === undefined) return [];
  const names = etherType === EtherType.IPV6 && protocol === IpProtocol.ICMPV6 ? ICMPV6_TYPES : ICMP_TYPES;
  return [names[icmp.type] ?? `type ${icmp.type} code ${icmp.code}`];
}

/** `SA` for SYN and ACK, `-` for none. */
function formatFlags(flags: number): string {
  // SYN comes first, as everybody reads it: S, SA, FA.
  const order = [1, 0, 2, 3, 4, 5, 6, 7].filter((bit) => (flags & (1 << bit)) !== 0);
  return order.map((bit) => TCP_FLAGS[bit]).join('') || '-';
}
