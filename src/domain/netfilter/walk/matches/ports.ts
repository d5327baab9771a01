import type { PortMatch } from '../../model.ts';
import { all, type Answer, type Surroundings } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { isFull, matchMergedPorts, matchPort, matchRawPort, needHeader } from './transport.ts';

const HEADER_BYTES = { udp: 8, udplite: 8, sctp: 12, dccp: 12 } as const;

/** udp, udplite, sctp and dccp. @kernel net/netfilter/xt_tcpudp.c udp_mt, xt_sctp.c match_packet, xt_dccp.c dccp_mt */
export function matchPorts(match: PortMatch, packet: Packet, { backend }: Surroundings): Answer {
  if (backend === 'nft' && isNativeInNft(match)) return matchNatively(match, packet);
  return all([
    () => needHeader(packet, HEADER_BYTES[match.kind]),
    () => matchPort(match.sourcePort, packet.sourcePort),
    () => matchPort(match.destinationPort, packet.destinationPort),
    () => (match.uninterpreted.length === 0 ? true : 'unknown'),
  ]);
}

/** iptables-nft writes only udp ports as nf_tables expressions; the rest runs the x_tables code. */
function isNativeInNft(match: PortMatch): boolean {
  const tests = [match.sourcePort, match.destinationPort].filter((test) => test !== undefined);
  return match.kind === 'udp' && tests.some((test) => test.negated || !isFull(test.value));
}

function matchNatively(match: PortMatch, packet: Packet): Answer {
  return matchMergedPorts(match.sourcePort, match.destinationPort, packet) ?? all([
    () => matchRawPort(match.sourcePort, packet.sourcePort, packet, 2),
    () => matchRawPort(match.destinationPort, packet.destinationPort, packet, 4),
  ]);
}
