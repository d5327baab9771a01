import type { PortMatch } from '../../model.ts';
import { all, type Answer, type Surroundings } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { hasPortTest, matchPort, matchRawPorts, needHeader, rawHeader } from './transport.ts';

const HEADER_BYTES = { udp: 8, udplite: 8, sctp: 12, dccp: 12 } as const;

/**
 * udp, udplite, sctp and dccp. iptables-nft writes only udp ports as nf_tables expressions.
 *
 * @kernel net/netfilter/xt_tcpudp.c udp_mt, xt_sctp.c match_packet, xt_dccp.c dccp_mt
 */
export function matchPorts(match: PortMatch, packet: Packet, { backend }: Surroundings): Answer {
  if (backend === 'nft' && match.kind === 'udp' && hasPortTest(match)) return matchRawPorts(match, rawHeader(packet));
  return all([
    () => needHeader(packet, HEADER_BYTES[match.kind]),
    () => matchPort(match.sourcePort, packet.sourcePort),
    () => matchPort(match.destinationPort, packet.destinationPort),
    () => (match.uninterpreted.length === 0 ? true : 'unknown'),
  ]);
}
