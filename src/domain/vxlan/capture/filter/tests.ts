/** The single tests of a filter, on the headers of one packet. */

import { EtherType, IpProtocol, type Headers } from '../headers.ts';

/** Which end a test looks at. */
export type Direction = 'src' | 'dst' | 'either' | 'both';

/** Whether the headers of one packet pass. */
export type HeaderTest = (headers: Headers) => boolean;

/** Words that name a protocol, and how it is recognised. */
export const PROTOCOLS: Readonly<Record<string, HeaderTest>> = {
  ether: () => true,
  ip: ({ etherType }) => etherType === EtherType.IPV4,
  ip6: ({ etherType }) => etherType === EtherType.IPV6,
  arp: ({ etherType }) => etherType === EtherType.ARP,
  tcp: ({ protocol }) => protocol === IpProtocol.TCP,
  udp: ({ protocol }) => protocol === IpProtocol.UDP,
  sctp: ({ protocol }) => protocol === IpProtocol.SCTP,
  icmp: ({ protocol, etherType }) => protocol === IpProtocol.ICMP && etherType === EtherType.IPV4,
  icmp6: ({ protocol, etherType }) => protocol === IpProtocol.ICMPV6 && etherType === EtherType.IPV6,
};

const byDirection = <T>(direction: Direction, source: T | undefined, destination: T | undefined, test: (value: T) => boolean): boolean => {
  const [from, to] = [source !== undefined && test(source), destination !== undefined && test(destination)];
  if (direction === 'either') return from || to;
  if (direction === 'both') return from && to;
  return direction === 'src' ? from : to;
};

/** An address inside a prefix. */
export const addressTest = (direction: Direction, network: readonly number[], mask: readonly number[]): HeaderTest =>
  ({ source, destination }) => byDirection(direction, source, destination, (words) =>
    words.length === network.length && words.every((word, i) => ((word ^ network[i]!) & mask[i]!) === 0));

/** A port of TCP, UDP or SCTP in a range. */
export const portTest = (direction: Direction, low: number, high: number): HeaderTest =>
  ({ sourcePort, destinationPort }) => byDirection(direction, sourcePort, destinationPort, (port) => port >= low && port <= high);

/** A hardware address. */
export const macTest = (direction: Direction, mac: string): HeaderTest =>
  ({ sourceMac, destinationMac }) => byDirection(direction, sourceMac, destinationMac, (one) => one === mac);

/** An IP protocol by number. */
export const protocolTest = (number: number): HeaderTest => ({ protocol }) => protocol === number;
