import type { IcmpMatch } from '../../model.ts';
import { negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { inRange, needHeader } from './transport.ts';

/** ICMPv4's "any" (`--icmp-type any`); for ICMPv6 255 is an ordinary type. */
const ANY_ICMP_TYPE = 255;

/** @kernel net/ipv4/netfilter/ip_tables.c icmp_match; net/ipv6/netfilter/ip6_tables.c icmp6_match */
export function matchIcmp(match: IcmpMatch, packet: Packet): Answer {
  const readable = needHeader(packet, 8);
  if (readable !== true) return readable;
  if (match.kind === 'icmp' && match.type === ANY_ICMP_TYPE) return !match.negated;
  if (packet.icmp === undefined) return 'unknown';
  return negateIf(match.negated, packet.icmp.type === match.type && inRange(packet.icmp.code, match.code));
}
