import type { Match, Rule } from '../model.ts';
import type { Packet } from './packet.ts';

/** What one must know of the packet to answer the header tests of a rule: `input interface`, `source address`. */
export function missingForHeader(rule: Rule, packet: Packet): string[] {
  return [
    ...(rule.source !== undefined && packet.source === undefined ? ['source address'] : []),
    ...(rule.destination !== undefined && packet.destination === undefined ? ['destination address'] : []),
    ...(rule.inInterface !== undefined && packet.inInterface === undefined ? ['input interface'] : []),
    ...(rule.outInterface !== undefined && packet.outInterface === undefined ? ['output interface'] : []),
  ];
}

/** What one must know to answer a match: a field of the packet, or the state that the named match keeps in the kernel. */
export function missingForMatch(match: Match, packet: Packet): string {
  switch (match.kind) {
    case 'opaque': return match.name;
    case 'mark': return 'mark';
    case 'conntrack':
    case 'state': return packet.states === undefined ? 'connection state' : match.uninterpreted.join(' ');
    case 'iprange': return packet.source === undefined ? 'source address' : 'destination address';
    case 'icmp':
    case 'icmp6': return 'ICMP type';
    case 'comment': return 'comment';
    default: return missingPort(match, packet);
  }
}

function missingPort(match: Match & { kind: 'tcp' | 'udp' | 'udplite' | 'sctp' | 'dccp' | 'multiport' }, packet: Packet): string {
  const asksSource = match.kind === 'multiport' ? match.direction !== 'destination' : match.sourcePort !== undefined;
  if (asksSource && packet.sourcePort === undefined) return 'source port';
  const asksDestination = match.kind === 'multiport' ? match.direction !== 'source' : match.destinationPort !== undefined;
  if (asksDestination && packet.destinationPort === undefined) return 'destination port';
  return match.kind === 'multiport' || match.uninterpreted.length === 0 ? 'packet bytes' : match.uninterpreted.join(' ');
}
