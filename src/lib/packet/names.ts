/** Protocols, TCP flags and ICMP types as users write them. */

/** IP protocol numbers by name. */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1, igmp: 2, tcp: 6, udp: 17, dccp: 33, gre: 47, esp: 50, ah: 51, icmpv6: 58, icmp6: 58, 'ipv6-icmp': 58, ospf: 89, sctp: 132, udplite: 136,
};

/** The number of a protocol, by its name in small letters or the number itself; undefined for anything else. */
export function protocolNumber(text: string): number | undefined {
  if (Object.hasOwn(PROTOCOLS, text)) return PROTOCOLS[text];
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

/** The name of a protocol; the number where it has none. */
export function protocolName(protocol: number): string {
  return Object.entries(PROTOCOLS).find(([, number]) => number === protocol)?.[0] ?? String(protocol);
}

/** Bits of byte 13 of the TCP header. */
export const TCP_FLAGS: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 };

/** The numbers of flags such as `syn,ack`, `NONE` and `ALL`; undefined for a word that is none. */
export function parseTcpFlags(text: string): number | undefined {
  const bits = text.toUpperCase().split(',').map((name) => (name === 'NONE' ? 0 : name === 'ALL' ? 63 : TCP_FLAGS[name]));
  return bits.every((bit) => bit !== undefined) ? bits.reduce((sum, bit) => sum | bit, 0) : undefined;
}

/** `SYN,ACK`; `NONE` for no flag. Bits without a name are left out. */
export function formatTcpFlags(bits: number): string {
  return Object.entries(TCP_FLAGS).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name])).join(',') || 'NONE';
}

/** Types of ICMP and ICMPv6 by name. */
export const ICMP_TYPES = {
  ipv4: { 'echo-reply': 0, 'destination-unreachable': 3, redirect: 5, 'echo-request': 8, 'time-exceeded': 11, 'parameter-problem': 12 },
  ipv6: {
    'destination-unreachable': 1, 'packet-too-big': 2, 'time-exceeded': 3, 'parameter-problem': 4, 'echo-request': 128, 'echo-reply': 129,
    'router-solicitation': 133, 'router-advertisement': 134, 'neighbour-solicitation': 135, 'neighbour-advertisement': 136,
  },
} as const;

/** `echo-request`, `3` or `3/1`; undefined for anything else. */
export function parseIcmpType(text: string, family: 'ipv4' | 'ipv6'): { type: number; code: number } | undefined {
  const named = Object.entries(ICMP_TYPES[family]).find(([name]) => name === text)?.[1];
  if (named !== undefined) return { type: named, code: 0 };
  const [, type, code = '0'] = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  return type === undefined || Number(type) > 255 || Number(code) > 255 ? undefined : { type: Number(type), code: Number(code) };
}
